import { retryAfterMs } from "@maxcloud/config-schema/plain"
import { Option, Schema } from "effect"
import { OciError, ociError } from "../OciError.ts"
import type { Answer } from "./requests.ts"

/** OCI distribution-spec 1.1, "Error Codes". */
const Errors = Schema.parseJson(
  Schema.Struct({
    errors: Schema.Array(
      Schema.Struct({ code: Schema.optional(Schema.String), message: Schema.optional(Schema.NullOr(Schema.String)) })
    )
  })
)
const decode = Schema.decodeUnknownOption(Errors)

/** The maximum pause that a registry can request. */
const longestPauseMs = 3_600_000

export const codesOf = ({ text }: Answer): ReadonlyArray<string> =>
  Option.match(decode(text), {
    onNone: () => [],
    onSome: ({ errors }) => errors.flatMap(({ code }) => code ?? [])
  })

const saidOf = ({ text }: Answer): string =>
  Option.match(decode(text), {
    onNone: () => "",
    onSome: ({ errors }) =>
      errors
        .slice(0, 3)
        .map(({ code = "", message }) => [code, message ?? ""].filter((part) => part !== "").join(": "))
        .join("; ")
        .slice(0, 500)
  })

/** The meaning of an answer that isn't what the protocol expects. */
export const unexpected = (answer: Answer, host: string, what: string): OciError => {
  const { headers, status } = answer
  const said = saidOf(answer)
  const detail = `HTTP ${status}${said === "" ? "" : `, ${said}`}`
  if (status === 401 || status === 403)
    return ociError(
      "refused",
      `the registry ${host} refuses ${what} (${detail})`,
      "check that your role may deploy and that the organization's storage isn't full"
    )
  if (status === 429 || status >= 500) {
    const limited = status === 429
    return new OciError({
      reason: "away",
      message: `the registry ${host} ${limited ? "limits requests" : "is failing"}: ${what} (${detail})`,
      fix: "push again later: finished layers aren't sent again",
      retryAfterMs: retryAfterMs(headers, longestPauseMs)
    })
  }
  if (status === 413)
    return ociError(
      "registry",
      `the registry ${host}, or a proxy before it, doesn't accept requests of this size: ${what} (${detail})`,
      "ask its operator to allow bodies of 64 MiB"
    )
  return ociError("registry", `the registry ${host} doesn't accept ${what} (${detail})`)
}
