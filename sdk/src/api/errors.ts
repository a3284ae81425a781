import { HttpApiSchema } from "@effect/platform"
import { SpecIssue } from "@maxcloud/config-schema"
import { Schema } from "effect"
import { apiErrors } from "../errorTable.ts"
import { openEnum } from "./openEnum.ts"
import { ReadinessCheck } from "./readiness.ts"

type ApiErrors = typeof apiErrors
type Tag = keyof ApiErrors

/** `type` of a problem document: `https://maxcloud.dev/problems/not-found` for `NotFound`. */
export const problemType = (tag: Tag) =>
  `https://maxcloud.dev/problems/${tag.replace(/\B[A-Z]/g, (value) => `-${value}`).toLowerCase()}`

/** Typed by this row's field. Destructuring would give it the union of all rows' types. */
const fieldOf = <Row, Field extends keyof Row>(row: Row, field: Field): Row[Field] => row[field]

const fixed = <const A extends string | number>(value: A) =>
  Schema.Literal(value).pipe(
    Schema.propertySignature,
    Schema.withConstructorDefault(() => value)
  )

/**
 * Every error of the API is one problem document (RFC 9457): `type`, `title`, `status`, `detail`, and `_tag`, by which clients
 * tell errors apart. `detail` says what, where, and what to do. The rows of `apiErrors` explain each of them.
 */
const problem = <const T extends Tag, Fields extends Schema.Struct.Fields>(tag: T, fields: Fields) => {
  const status = fieldOf(apiErrors[tag], "status")
  const title = fieldOf(apiErrors[tag], "title")
  return [
    tag,
    { type: fixed(problemType(tag)), title: fixed(title), status: fixed(status), detail: Schema.String, ...fields },
    {
      [HttpApiSchema.AnnotationStatus]: status,
      [HttpApiSchema.AnnotationEncoding]: { kind: "Json", contentType: "application/problem+json" }
    }
  ] as const
}

export class InvalidRequest extends Schema.TaggedError<InvalidRequest>()(
  ...problem("InvalidRequest", { issues: Schema.Array(SpecIssue) })
) {}

export class InvalidSpec extends Schema.TaggedError<InvalidSpec>()(
  ...problem("InvalidSpec", { issues: Schema.Array(SpecIssue) })
) {}

export class Unauthenticated extends Schema.TaggedError<Unauthenticated>()(
  ...problem("Unauthenticated", { localMode: Schema.optional(Schema.Literal(true)) })
) {}

export class Forbidden extends Schema.TaggedError<Forbidden>()(...problem("Forbidden", {})) {}

export class QuotaExceeded extends Schema.TaggedError<QuotaExceeded>()(...problem("QuotaExceeded", {})) {}

export class NotFound extends Schema.TaggedError<NotFound>()(
  ...problem("NotFound", {
    resource: openEnum(
      "service",
      "deployment",
      "app",
      "secret",
      "secretVersion",
      "source",
      "revision",
      "registry",
      "organization",
      "member",
      "apiKey",
      "invite",
      "oidcTrust",
      "device",
      "token",
      "certificate",
      "page"
    ),
    name: Schema.String
  })
) {}

export class Conflict extends Schema.TaggedError<Conflict>()(
  ...problem("Conflict", { owner: Schema.optional(Schema.String) })
) {}

export class MethodNotAllowed extends Schema.TaggedError<MethodNotAllowed>()(
  ...problem("MethodNotAllowed", { allow: Schema.Array(Schema.String) })
) {}

export class RequestTimeout extends Schema.TaggedError<RequestTimeout>()(...problem("RequestTimeout", {})) {}

export class PayloadTooLarge extends Schema.TaggedError<PayloadTooLarge>()(...problem("PayloadTooLarge", {})) {}

export class UnsupportedMediaType extends Schema.TaggedError<UnsupportedMediaType>()(
  ...problem("UnsupportedMediaType", {})
) {}

export class TooManyRequests extends Schema.TaggedError<TooManyRequests>()(
  ...problem("TooManyRequests", {
    retryAfterSeconds: Schema.Number,
    /** The limit that was met, as in the answer's `RateLimit-Policy`. */
    limit: Schema.optional(Schema.Struct({ name: Schema.String, quota: Schema.Number, windowSeconds: Schema.Number }))
  })
) {}

export class RequestHeaderFieldsTooLarge extends Schema.TaggedError<RequestHeaderFieldsTooLarge>()(
  ...problem("RequestHeaderFieldsTooLarge", {})
) {}

export class Unavailable extends Schema.TaggedError<Unavailable>()(
  ...problem("Unavailable", { retryAfterSeconds: Schema.Number })
) {}

export class NotReady extends Schema.TaggedError<NotReady>()(
  ...problem("NotReady", { checks: Schema.Array(ReadinessCheck) })
) {}

export class InsufficientStorage extends Schema.TaggedError<InsufficientStorage>()(
  ...problem("InsufficientStorage", {})
) {}

export class InternalError extends Schema.TaggedError<InternalError>()(
  ...problem("InternalError", { requestId: Schema.String })
) {}

/** Every error that the API answers with. */
export const ApiError = Schema.Union(
  InvalidRequest,
  InvalidSpec,
  Unauthenticated,
  Forbidden,
  QuotaExceeded,
  NotFound,
  Conflict,
  MethodNotAllowed,
  RequestTimeout,
  PayloadTooLarge,
  UnsupportedMediaType,
  TooManyRequests,
  RequestHeaderFieldsTooLarge,
  Unavailable,
  NotReady,
  InsufficientStorage,
  InternalError
)
export type ApiError = typeof ApiError.Type

for (const { prototype } of ApiError.members) {
  Object.defineProperty(prototype, "message", {
    get(this: ApiError) {
      return this.detail
    },
    configurable: true
  })
}
