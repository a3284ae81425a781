import { mapUpTo, quoted, textUpTo } from "@maxcloud/config-schema"
import { Schema } from "effect"

/**
 * The kind of request that created a deployment: `deploy` of an app, `rollback` to an earlier deployment's app, `delete` of one service, or
 * `destroy` of all services.
 */
export const DeploymentKind = Schema.Literal("deploy", "rollback", "delete", "destroy")
export type DeploymentKind = typeof DeploymentKind.Type

/** The maximum size of a deployment's description. */
export const describedBounds = { messageLength: 1_000, metadataEntries: 20, metadataLength: 500 } as const

/** Deployments of an app and stage are numbered from 1. */
export const DeploymentNumber = Schema.Int.pipe(Schema.between(1, 2_147_483_647))

const isControl = (character: string) => character < " " || character === "\u007f"
const hasControl = (text: string, allowed = "") =>
  [...text].some((character) => isControl(character) && !allowed.includes(character))

/** A person's description of a deployment. */
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
 * Facts about a deployment, as texts. The CLI sends `commit`, `branch`, `repository`, `dirty` and `runUrl` if it finds them. Add any others
 * you like.
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
