#include "server/auth/caller.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace proctor::server {
namespace {

TEST(CallerTest, RequestIdsOfTheDefaultTenantStayAsTheyAre) {
  EXPECT_EQ(TenantRequestId(kDefaultTenant, "run-1").value(), "run-1");
  EXPECT_EQ(TenantRequestId(kDefaultTenant, "").value(), "");
  EXPECT_EQ(TenantRequestId("lab", "").value(), "");
}

TEST(CallerTest, RequestIdsHaveALimit) {
  for (const char* tenant : {kDefaultTenant, "lab"}) {
    EXPECT_TRUE(TenantRequestId(tenant, std::string(128, 'a')).ok());
    EXPECT_EQ(TenantRequestId(tenant, std::string(129, 'a')).status().code(), absl::StatusCode::kInvalidArgument);
  }
}

TEST(CallerTest, NoRequestIdIsAnotherTenantsNorAJobs) {
  const std::string of_lab = TenantRequestId("lab", "run-1").value();
  std::set<std::string> ids;
  for (const char* tenant : {kDefaultTenant, "lab", "lab-2"}) {
    for (const std::string& id : {std::string("run-1"), of_lab, std::string("lab/run-1"), std::string("jobs/01k/0")}) {
      EXPECT_TRUE(ids.insert(TenantRequestId(tenant, id).value()).second) << tenant << " " << id;
    }
  }
  EXPECT_FALSE(ids.contains("jobs/01k/0"));
}

}  // namespace
}  // namespace proctor::server
