import { InvalidRequest, inBody } from "@maxcloud/sdk/api"
import { Effect } from "effect"
import { mistakeIn } from "./compilePolicy.ts"

/** Refuses a new expression that can't be evaluated, or that can't be true for any app. */
export const checkedExpression = (expression: string): Effect.Effect<void, InvalidRequest> =>
  Effect.suspend(() => {
    const message = mistakeIn(expression)
    return message === undefined
      ? Effect.void
      : new InvalidRequest({ detail: message, errors: inBody([{ path: ["expression"], message }]) })
  })
