import { AppName, SecretName, StageName } from "@maxcloud/config-schema"
import { Schema } from "effect"
import { knownKeysOnly } from "./knownKeysOnly.ts"
import { listOf } from "./lists.ts"
import { namedOnce } from "./namedOnce.ts"
import { Time } from "./time.ts"

/** A secret of an app and stage, without its value: no answer ever holds one. */
export const SecretInfo = Schema.Struct({
  name: SecretName,
  /** Grows by one with each value set. A deployment keeps the version that was newest when it was accepted. */
  version: Schema.Int,
  updatedAt: Time
}).annotations({ identifier: "SecretInfo" })
export interface SecretInfo extends Schema.Schema.Type<typeof SecretInfo> {}

export const SecretList = listOf(SecretInfo, { name: "secrets", sorts: ["name", "updatedAt"], filters: {} })

/** The error for a wrong value must not quote it. */
const text = () => "The value of a secret must be a text of up to 65,536 characters."

/** The value of a secret: a text of up to 65,536 characters. An empty one is a value too. */
export const SecretValue = Schema.Struct({
  value: Schema.Redacted(Schema.String.annotations({ message: text }).pipe(Schema.maxLength(65_536, { message: text })))
}).annotations({ identifier: "SecretValue", ...knownKeysOnly })
export interface SecretValue extends Schema.Schema.Type<typeof SecretValue> {}

/** One version of a secret that is still kept. */
export const SecretVersionInfo = Schema.Struct({
  version: Schema.Int,
  createdAt: Time,
  /** E-mail address of who set it, where the account is there. */
  createdBy: Schema.NullOr(Schema.String),
  /** Will the next deployment use this version? */
  current: Schema.Boolean,
  /** Numbers of the deployments of the stage that hold it. */
  deployments: Schema.Array(Schema.Int)
}).annotations({ identifier: "SecretVersionInfo" })
export interface SecretVersionInfo extends Schema.Schema.Type<typeof SecretVersionInfo> {}

export const SecretVersionList = listOf(SecretVersionInfo, { name: "secretVersions", sorts: ["-version"], filters: {} })

/** Makes the value of an earlier version the newest one, as a version of its own. */
export const RollbackSecret = Schema.Struct({
  /** No more than the database's integer holds. */
  version: Schema.Int.pipe(Schema.between(1, 2_147_483_647))
}).annotations({ identifier: "RollbackSecret", ...knownKeysOnly })

/** Copies the newest values of secrets from another app or stage, all or none. They stay on the server. */
export const CopySecrets = Schema.Struct({
  from: Schema.Struct({ app: AppName, stage: StageName }).annotations(knownKeysOnly),
  names: namedOnce("names", Schema.Array(SecretName).pipe(Schema.minItems(1), Schema.maxItems(200)))
}).annotations({ identifier: "CopySecrets", ...knownKeysOnly })

/** Several secrets at once, all or none: name and value each, 200 at most, and no name twice. */
export const ImportSecrets = Schema.Struct({
  secrets: namedOnce(
    "secrets",
    Schema.Array(Schema.Struct({ name: SecretName, ...SecretValue.fields }).annotations(knownKeysOnly)).pipe(
      Schema.minItems(1),
      Schema.maxItems(200)
    )
  )
}).annotations({ identifier: "ImportSecrets", ...knownKeysOnly })
