/** Finds the credential for a server, and the file where the command line stores it. Without the client, so that programs start fast. */
export { CredentialUnavailable } from "../errors.ts"
export {
  CredentialsFile,
  cannot,
  credentialsPath,
  type Environment,
  errorCode,
  Kept,
  normalUrl,
  readCredentials,
  type Warn
} from "./credentialsFile.ts"
export { type CredentialOptions, defaultCredentials } from "./defaultCredentials.ts"
export { type CredentialSource, type FoundCredential, findCredential, sourceOfEnvironment } from "./findCredential.ts"
