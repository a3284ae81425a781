import { Option, Schema } from "effect"
import { type KubeCause, KubeError } from "./KubeApi.ts"
import { said } from "./said.ts"

const text = Schema.optionalWith(Schema.String, { default: () => "" })

/** `meta/v1` Status, the API server's form of a refusal. */
const Status = Schema.Struct({
  kind: Schema.Literal("Status"),
  message: said,
  reason: text,
  code: Schema.optional(Schema.Int),
  details: Schema.optional(
    Schema.Struct({
      causes: Schema.optionalWith(Schema.Array(Schema.Struct({ reason: text, field: text, message: said })), {
        default: (): ReadonlyArray<KubeCause> => []
      })
    })
  )
})
type Status = typeof Status.Type

const decodeStatus = Schema.decodeUnknownOption(Status)
const decodeStatusText = Schema.decodeUnknownOption(Schema.parseJson(Status))

// Server-side apply answers 500 for a field missing from its schema. Retrying doesn't help.
const permanent = /failed to create typed|field not declared in schema|unknown field/

const reasonOf = (status: number, { message, reason }: Pick<Status, "message" | "reason">): KubeError["reason"] => {
  if (status === 401) return "unauthorized"
  if (status === 403) return "forbidden"
  if (status === 404) return "notFound"
  if (status === 409) return reason === "AlreadyExists" ? "alreadyExists" : "conflict"
  if (status === 410) return "gone"
  if (status === 429) return "tooMany"
  if (status >= 500) return permanent.test(message) ? "invalid" : "unreachable"
  return "invalid"
}

const errorOf = (asked: string, status: number, body: Pick<Status, "message" | "reason" | "details">) =>
  new KubeError({
    reason: reasonOf(status, body),
    status,
    statusReason: body.reason,
    message: `${body.message} (${asked})`,
    causes: body.details?.causes ?? []
  })

/** The error of an answer. A body that isn't a Status isn't shown: it may be a proxy's page. */
export const errorOfAnswer = (asked: string, status: number, body: string): KubeError =>
  errorOf(
    asked,
    status,
    Option.getOrElse(decodeStatusText(body), () => ({ message: `answered ${status}`, reason: "", details: undefined }))
  )

/** The error in an `ERROR` event of a watch. */
export const errorOfEvent = (asked: string, object: unknown): KubeError =>
  Option.match(decodeStatus(object), {
    onNone: () => errorOf(asked, 500, { message: "the watch failed", reason: "", details: undefined }),
    onSome: (status) => errorOf(asked, status.code ?? 500, status)
  })
