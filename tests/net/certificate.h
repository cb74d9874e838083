// A certificate for localhost that nobody signed but itself, made by the openssl tool.
#ifndef PROCTOR_TESTS_NET_CERTIFICATE_H_
#define PROCTOR_TESTS_NET_CERTIFICATE_H_

#include <string>

namespace proctor::net {

// Both as PEM; valid from now on for so many days. False if it could not be made.
bool MakeCertificate(std::string& certificate, std::string& key, int days = 1);

}  // namespace proctor::net

#endif  // PROCTOR_TESTS_NET_CERTIFICATE_H_
