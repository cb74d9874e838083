// What the files of a data directory tell of the server that runs on it.
#ifndef PROCTOR_CLIENTS_CLI_DOCTOR_OWN_SERVER_H_
#define PROCTOR_CLIENTS_CLI_DOCTOR_OWN_SERVER_H_

#include <sys/types.h>

#include <string>

namespace proctor::cli::doctor {

// The process that holds the directory's lock (storage/directory_lock.h); 0: none, as far as this user can see.
pid_t RunningOn(const std::string& data_dir);

// What addresses.json says under `key` ("grpc", "version") of the server that ran last; "": nothing that this user can read.
std::string ToldOf(const std::string& data_dir, const std::string& key);

}  // namespace proctor::cli::doctor

#endif  // PROCTOR_CLIENTS_CLI_DOCTOR_OWN_SERVER_H_
