import { SecretName } from "@maxcloud/config-schema"
import { Schema } from "effect"
import { knownKeysOnly } from "./knownKeysOnly.ts"

/** A secret of an app and stage, without its value: no answer ever holds one. */
export const SecretInfo = Schema.Struct({
  name: SecretName,
  /** Grows by one with each value set. A deployment keeps the version that was newest when it was accepted. */
  version: Schema.Int,
  updatedAt: Schema.String
}).annotations({ identifier: "SecretInfo" })
export type SecretInfo = typeof SecretInfo.Type

export const SecretList = Schema.Struct({ secrets: Schema.Array(SecretInfo) }).annotations({ identifier: "SecretList" })

/** What is said of a wrong value must not quote it. */
const text = () => "the value of a secret must be a text of 1 to 65,536 characters"

/** The value of a secret: 1 to 65,536 bytes of text. */
export const SecretValue = Schema.Struct({
  value: Schema.Redacted(
    Schema.String.annotations({ message: text }).pipe(
      Schema.minLength(1, { message: text }),
      Schema.maxLength(65_536, { message: text })
    )
  )
}).annotations({ identifier: "SecretValue", ...knownKeysOnly })
export type SecretValue = typeof SecretValue.Type
