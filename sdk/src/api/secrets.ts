import { AppName, SecretName, StageName } from "@maxcloud/config-schema"
import { Schema } from "effect"
import { Author } from "./author.ts"
import { knownKeysOnly } from "./knownKeysOnly.ts"
import { listOf } from "./lists.ts"
import { namedOnce } from "./namedOnce.ts"
import { Time } from "./time.ts"

/** A secret of an app and stage, without its value, which no response ever contains. */
export const SecretInfo = Schema.Struct({
  name: SecretName,
  /** Increases by one with each new value. A deployment uses the newest version at its acceptance. */
  version: Schema.Int,
  updatedAt: Time
}).annotations({ identifier: "SecretInfo" })
export interface SecretInfo extends Schema.Schema.Type<typeof SecretInfo> {}

export const SecretList = listOf(SecretInfo, { name: "secrets", sorts: ["name", "updatedAt"], filters: {} })

/** The error for a wrong value must not quote it. */
const text = () => "The value of a secret must be a text of up to 65,536 characters."

/** The value of a secret: a text of up to 65,536 characters, which may be empty. */
export const SecretValue = Schema.Struct({
  value: Schema.Redacted(Schema.String.annotations({ message: text }).pipe(Schema.maxLength(65_536, { message: text })))
}).annotations({ identifier: "SecretValue", ...knownKeysOnly })
export interface SecretValue extends Schema.Schema.Type<typeof SecretValue> {}

/** A stored version of a secret. */
export const SecretVersionInfo = Schema.Struct({
  version: Schema.Int,
  createdAt: Time,
  /** Null if the server generated it, or if nobody signed in set it. */
  createdBy: Schema.NullOr(Author),
  /** Whether the next deployment uses this version. */
  current: Schema.Boolean,
  /** The numbers of the stage's deployments that use it. */
  deployments: Schema.Array(Schema.Int)
}).annotations({ identifier: "SecretVersionInfo" })
export interface SecretVersionInfo extends Schema.Schema.Type<typeof SecretVersionInfo> {}

export const SecretVersionList = listOf(SecretVersionInfo, { name: "secretVersions", sorts: ["-version"], filters: {} })

/** Makes the value of an earlier version the newest one, as a new version. */
export const RollbackSecret = Schema.Struct({
  /** The maximum of the database's integer. */
  version: Schema.Int.pipe(Schema.between(1, 2_147_483_647))
}).annotations({ identifier: "RollbackSecret", ...knownKeysOnly })

/** Copies the newest values of secrets from another app or stage, all or none. They stay on the server. */
export const CopySecrets = Schema.Struct({
  from: Schema.Struct({ app: AppName, stage: StageName }).annotations(knownKeysOnly),
  names: namedOnce("names", Schema.Array(SecretName).pipe(Schema.minItems(1), Schema.maxItems(200)))
}).annotations({ identifier: "CopySecrets", ...knownKeysOnly })

/** Sets several secrets, all or none: names and values, at most 200, without duplicate names. */
export const ImportSecrets = Schema.Struct({
  secrets: namedOnce(
    "secrets",
    Schema.Array(Schema.Struct({ name: SecretName, ...SecretValue.fields }).annotations(knownKeysOnly)).pipe(
      Schema.minItems(1),
      Schema.maxItems(200)
    )
  )
}).annotations({ identifier: "ImportSecrets", ...knownKeysOnly })
