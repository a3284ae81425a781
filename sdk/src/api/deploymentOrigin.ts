import { mapUpTo, quoted, textUpTo } from "@maxcloud/config-schema"
import { Schema } from "effect"
import { openEnum } from "./openEnum.ts"

/**
 * The request that a deployment is from: `deploy` of an app, `rollback` to an earlier deployment's app, `delete` of one service, or `destroy`
 * of all of them.
 */
export const DeploymentKind = Schema.Literal("deploy", "rollback", "delete", "destroy")
export type DeploymentKind = typeof DeploymentKind.Type

/** The credential that a deployment is from. */
export const DeploymentAuthor = Schema.Struct({
  type: openEnum("person", "apiKey", "oidc"),
  /** Of the person or the key; of a token of another issuer its `sub`. */
  id: Schema.String,
  /** The person's e-mail address, the key's name, or the token's `sub`; null once the person was erased or the key deleted. */
  name: Schema.NullOr(Schema.String)
}).annotations({ identifier: "DeploymentAuthor" })
export interface DeploymentAuthor extends Schema.Schema.Type<typeof DeploymentAuthor> {}

/** The most that a deployment's description may have. */
export const describedBounds = { messageLength: 1_000, metadataEntries: 20, metadataLength: 500 } as const

/** Deployments of an app and stage are numbered from 1. */
export const DeploymentNumber = Schema.Int.pipe(Schema.between(1, 2_147_483_647))

const isControl = (character: string) => character < " " || character === "\u007f"
const hasControl = (text: string, allowed = "") =>
  [...text].some((character) => isControl(character) && !allowed.includes(character))

/** What a person writes about a deployment. */
export const DeploymentMessage = textUpTo(describedBounds.messageLength, "The message").pipe(
  Schema.filter((text) => !hasControl(text, "\n\t") || "The message has a control character. Remove it."),
  Schema.annotations({ identifier: "DeploymentMessage" })
)

const MetadataKey = Schema.String.pipe(
  Schema.filter(
    (key) =>
      /^[A-Za-z][A-Za-z0-9._-]{0,62}$/.test(key) ||
      `${quoted(key)} isn't a valid key. Use up to 63 letters, digits, ".", "_" and "-", with a letter first.`,
    { jsonSchema: { pattern: "^[A-Za-z][A-Za-z0-9._-]{0,62}$", maxLength: 63 } }
  )
)

/**
 * Facts about a deployment, as texts. The CLI sends `commit`, `branch`, `repository`, `dirty` and `runUrl` where it finds them; others are
 * yours.
 */
export const DeploymentMetadata = mapUpTo(
  MetadataKey,
  textUpTo(describedBounds.metadataLength, "The value").pipe(
    Schema.filter((text) => !hasControl(text) || "The value has a control character. Remove it.")
  ),
  describedBounds.metadataEntries,
  "The metadata"
).annotations({ identifier: "DeploymentMetadata" })
export type DeploymentMetadata = typeof DeploymentMetadata.Type
