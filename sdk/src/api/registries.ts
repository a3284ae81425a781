import { Schema } from "effect"
import { knownKeysOnly } from "./knownKeysOnly.ts"
import { listOf } from "./lists.ts"
import { Time } from "./time.ts"

/** A registry's host, with its port: `ghcr.io`, `registry.example.com:5000`, `docker.io`. */
export const RegistryHost = Schema.String.pipe(
  Schema.pattern(/^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?(:\d{1,5})?$/, {
    message: () => 'Use the registry\'s host, such as "ghcr.io" or "registry.example.com:5000".'
  })
)
export type RegistryHost = typeof RegistryHost.Type

/** Credentials for a registry. No response ever contains the password. */
export const RegistryInfo = Schema.Struct({
  host: RegistryHost,
  username: Schema.String,
  updatedAt: Time
}).annotations({ identifier: "RegistryInfo" })
export interface RegistryInfo extends Schema.Schema.Type<typeof RegistryInfo> {}

export const RegistryList = listOf(RegistryInfo, { name: "registries", sorts: ["host"], filters: {} })

/** The error for a wrong password must not quote it. */
const password = () => "The password must be a text of 1 to 65,536 characters."

export const RegistryLogin = Schema.Struct({
  username: Schema.String.pipe(Schema.length({ min: 1, max: 256 })),
  password: Schema.Redacted(
    Schema.String.annotations({ message: password }).pipe(Schema.length({ min: 1, max: 65_536 }, { message: password }))
  )
}).annotations({ identifier: "RegistryLogin", ...knownKeysOnly })
export interface RegistryLogin extends Schema.Schema.Type<typeof RegistryLogin> {}
