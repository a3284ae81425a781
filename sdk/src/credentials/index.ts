/** How the credential of a server is found, and where the command line keeps it. Without the client, so that programs start fast. */
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
