import { Effect, Option, Schema } from "effect"
import { type CallError, ServerOutdated } from "../errors.ts"
import { clientVersion, isOlder } from "./clientVersion.ts"
import { problemIn } from "./problemIn.ts"
import type { Transport } from "./transport.ts"

const decodeInfo = Schema.decodeUnknownOption(
  Schema.parseJson(
    Schema.Struct({ version: Schema.String.pipe(Schema.maxLength(20), Schema.pattern(/^\d{1,6}\.\d{1,6}\.\d{1,6}$/)) })
  )
)

/** Whether the server lacks the path, or the method for it. */
const isUnrouted = (error: CallError): boolean =>
  error._tag === "MethodNotAllowed" || (error._tag === "NotFound" && error.resource === "page")

/** The server's version; undefined if it can't be fetched. */
const versionOf = ({ apiUrl, authorization, fetch, guard }: Transport): Effect.Effect<string | undefined> =>
  Effect.gen(function* () {
    const headers = yield* authorization
    const url = `${apiUrl}/api/v1/info`
    yield* guard("GET", url, headers)
    const text = yield* Effect.tryPromise(async (signal) =>
      (await fetch(url, { headers, redirect: "manual", signal })).text()
    )
    return Option.getOrUndefined(decodeInfo(text))?.version
  }).pipe(
    Effect.timeout("10 seconds"),
    Effect.orElseSucceed(() => undefined)
  )

/** The error for a failed response. If an older server lacks the operation, the error says so, with its version. */
export const failureIn = (
  transport: Transport,
  { body, method, status, url }: Readonly<{ method: string; url: string; status: number; body: string }>
): Effect.Effect<never, CallError> => {
  const problem = problemIn(url, status, body)
  if (!isUnrouted(problem)) return Effect.fail(problem)
  return Effect.flatMap(versionOf(transport), (version): Effect.Effect<never, CallError> => {
    if (version === undefined || !isOlder(version, clientVersion)) return Effect.fail(problem)
    const operation = `${method} ${new URL(url).pathname}`
    return new ServerOutdated({ apiUrl: transport.shownUrl, serverVersion: version, operation })
  })
}
