import { type Effect, Schema } from "effect"
import { DeploymentMessage, DeploymentMetadata, type InvalidRequest } from "../api/index.ts"
import { parse } from "./parse.ts"

/** What is said about a deployment. */
export interface Described {
  /** Why it is made, for whoever reads the list of deployments. */
  readonly message?: string | undefined
  /** Facts such as `commit` and `branch`: up to 20 texts of up to 500 characters. */
  readonly metadata?: Readonly<Record<string, string>> | undefined
}

const Fields = Schema.Struct({
  message: Schema.optional(DeploymentMessage),
  metadata: Schema.optional(DeploymentMetadata)
})

/** As the API takes it. */
export const parseDescribed = ({ message, metadata }: Described): Effect.Effect<typeof Fields.Type, InvalidRequest> =>
  parse(Fields)({ message, metadata })
