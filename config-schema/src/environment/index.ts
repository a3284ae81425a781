/** The exports of `@maxcloud/sdk/env`, for configs and for the services themselves, so without dependencies. */
export type { Secret, SecretOptions } from "../references.ts"
export { type EnvContract, envOf, type GivenTo, type ValueOf, type Variables } from "./envOf.ts"
export { EnvInvalid, type EnvOf, type EnvProblem, readEnv } from "./readEnv.ts"
export {
  boolean,
  type NumberOptions,
  number,
  type OwnSecret,
  oneOf,
  optional,
  secret,
  string,
  url,
  type Variable,
  type WithDefault
} from "./variables.ts"
