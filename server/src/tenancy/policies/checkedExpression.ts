import { InvalidRequest, inBody } from "@maxcloud/sdk/api"
import { Effect, Either } from "effect"
import { compilePolicy } from "./compilePolicy.ts"

/** Refuses an expression that can't be evaluated. */
export const checkedExpression = (expression: string) =>
  Either.match(compilePolicy(expression), {
    onLeft: (message) => new InvalidRequest({ detail: message, errors: inBody([{ path: ["expression"], message }]) }),
    onRight: Effect.succeed
  })
