import { type Effect, Schema } from "effect"
import { DeploymentMessage, DeploymentMetadata, type InvalidRequest } from "../api/index.ts"
import { parse } from "./parse.ts"

/** The description of a deployment. */
export interface Described {
  /** The reason for it, for readers of the list of deployments. */
  readonly message?: string | undefined
  /** Facts such as `commit` and `branch`: up to 20 texts of up to 500 characters. */
  readonly metadata?: Readonly<Record<string, string>> | undefined
}

const Fields = Schema.Struct({
  message: Schema.optional(DeploymentMessage),
  metadata: Schema.optional(DeploymentMetadata)
})

/** In the form that the API accepts. */
export const parseDescribed = ({ message, metadata }: Described): Effect.Effect<typeof Fields.Type, InvalidRequest> =>
  parse(Fields)({ message, metadata })
