import { HttpApiSchema } from "@effect/platform"
import { SpecIssue } from "@maxcloud/config-schema"
import { Schema } from "effect"

/**
 * Every error of the API is one problem document (RFC 9457): `type`, `title`, `status`, `detail`, and `_tag`, by which clients
 * tell errors apart. `detail` says what, where, and what to do.
 */
const problem = <const Slug extends string, const Status extends number>(slug: Slug, status: Status, title: string) => {
  const fixed = <const A extends string | number>(value: A) =>
    Schema.Literal(value).pipe(
      Schema.propertySignature,
      Schema.withConstructorDefault(() => value)
    )
  return {
    type: fixed(`https://maxcloud.dev/problems/${slug}`),
    title: fixed(title),
    status: fixed(status),
    detail: Schema.String
  }
}

const http = <A>(status: number): Schema.Annotations.Schema<A> => ({
  ...HttpApiSchema.annotations<A>({ status }),
  [HttpApiSchema.AnnotationEncoding]: { kind: "Json", contentType: "application/problem+json" }
})

/** 400: the request cannot be read: not JSON, a wrong type, a bad parameter. */
export class InvalidRequest extends Schema.TaggedError<InvalidRequest>()(
  "InvalidRequest",
  { ...problem("invalid-request", 400, "Invalid request"), issues: Schema.Array(SpecIssue) },
  http(400)
) {
  override get message() {
    return this.detail
  }
}

/** 422: the AppSpec can be read but not deployed: an unknown link, a host name too long, a secret that nobody has set. */
export class InvalidSpec extends Schema.TaggedError<InvalidSpec>()(
  "InvalidSpec",
  { ...problem("invalid-spec", 422, "Invalid app"), issues: Schema.Array(SpecIssue) },
  http(422)
) {
  override get message() {
    return this.detail
  }
}

/** 401: no credential, or one that is not known. `localMode`: the server has no accounts, only the user who started it. */
export class Unauthenticated extends Schema.TaggedError<Unauthenticated>()(
  "Unauthenticated",
  { ...problem("unauthenticated", 401, "Not signed in"), localMode: Schema.optional(Schema.Literal(true)) },
  http(401)
) {
  override get message() {
    return this.detail
  }
}

/** 403: refused: a foreign Host or Origin on the loopback API, or a credential that may not do this. */
export class Forbidden extends Schema.TaggedError<Forbidden>()(
  "Forbidden",
  problem("forbidden", 403, "Forbidden"),
  http(403)
) {
  override get message() {
    return this.detail
  }
}

/** 403: more than the organization may have. */
export class QuotaExceeded extends Schema.TaggedError<QuotaExceeded>()(
  "QuotaExceeded",
  problem("quota-exceeded", 403, "Quota exceeded"),
  http(403)
) {
  override get message() {
    return this.detail
  }
}

/** 404: nothing of that kind and name in the caller's organization. */
export class NotFound extends Schema.TaggedError<NotFound>()(
  "NotFound",
  {
    ...problem("not-found", 404, "Not found"),
    resource: Schema.Literal(
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
  },
  http(404)
) {
  override get message() {
    return this.detail
  }
}

/** 409: the name is taken, or the idempotency key was used for something else. */
export class Conflict extends Schema.TaggedError<Conflict>()(
  "Conflict",
  { ...problem("conflict", 409, "Conflict"), owner: Schema.optional(Schema.String) },
  http(409)
) {
  override get message() {
    return this.detail
  }
}

/** 405: the path does not take the method; `Allow` tells which it takes. */
export class MethodNotAllowed extends Schema.TaggedError<MethodNotAllowed>()(
  "MethodNotAllowed",
  { ...problem("method-not-allowed", 405, "Method not allowed"), allow: Schema.Array(Schema.String) },
  http(405)
) {
  override get message() {
    return this.detail
  }
}

/** 408: the request did not arrive in time. */
export class RequestTimeout extends Schema.TaggedError<RequestTimeout>()(
  "RequestTimeout",
  problem("request-timeout", 408, "Request timeout"),
  http(408)
) {
  override get message() {
    return this.detail
  }
}

/** 413: a body larger than the server takes. */
export class PayloadTooLarge extends Schema.TaggedError<PayloadTooLarge>()(
  "PayloadTooLarge",
  problem("payload-too-large", 413, "Payload too large"),
  http(413)
) {
  override get message() {
    return this.detail
  }
}

/** 415: a body of another content type than the operation takes. */
export class UnsupportedMediaType extends Schema.TaggedError<UnsupportedMediaType>()(
  "UnsupportedMediaType",
  problem("unsupported-media-type", 415, "Unsupported media type"),
  http(415)
) {
  override get message() {
    return this.detail
  }
}

/** 429: more requests than the rate limit allows. `RateLimit` and `Retry-After` of the answer tell when to go on. */
export class TooManyRequests extends Schema.TaggedError<TooManyRequests>()(
  "TooManyRequests",
  {
    ...problem("too-many-requests", 429, "Too many requests"),
    retryAfterSeconds: Schema.Number,
    /** The limit that was met, as in the answer's `RateLimit-Policy`. */
    limit: Schema.optional(Schema.Struct({ name: Schema.String, quota: Schema.Number, windowSeconds: Schema.Number }))
  },
  http(429)
) {
  override get message() {
    return this.detail
  }
}

/** 431: more header fields than the server takes: 16 KiB with the request's line. */
export class RequestHeaderFieldsTooLarge extends Schema.TaggedError<RequestHeaderFieldsTooLarge>()(
  "RequestHeaderFieldsTooLarge",
  problem("request-header-fields-too-large", 431, "Request header fields too large"),
  http(431)
) {
  override get message() {
    return this.detail
  }
}

/** 503: a part of the server is away for now (its database, its runtime); the same request may be sent again. */
export class Unavailable extends Schema.TaggedError<Unavailable>()(
  "Unavailable",
  { ...problem("unavailable", 503, "Unavailable"), retryAfterSeconds: Schema.Number },
  http(503)
) {
  override get message() {
    return this.detail
  }
}

/** 503: the server answers, but can't do all of its work: its database is away, its disk is full. `checks` says which. */
export class NotReady extends Schema.TaggedError<NotReady>()(
  "NotReady",
  {
    ...problem("not-ready", 503, "Not ready"),
    checks: Schema.Array(
      Schema.Struct({ name: Schema.String, ok: Schema.Boolean, message: Schema.optional(Schema.String) })
    )
  },
  http(503)
) {
  override get message() {
    return this.detail
  }
}

/** 507: the server has too little room on its disk for what was sent. Whoever runs the server has to make some. */
export class InsufficientStorage extends Schema.TaggedError<InsufficientStorage>()(
  "InsufficientStorage",
  problem("insufficient-storage", 507, "Insufficient storage"),
  http(507)
) {
  override get message() {
    return this.detail
  }
}

/** 500: a mistake of the server's own. Its log has the cause, under `requestId`. */
export class InternalError extends Schema.TaggedError<InternalError>()(
  "InternalError",
  { ...problem("internal-error", 500, "Internal error"), requestId: Schema.String },
  http(500)
) {
  override get message() {
    return this.detail
  }
}

/** Every error that the API answers with. */
export const ApiError = Schema.Union(
  InvalidRequest,
  InvalidSpec,
  Unauthenticated,
  Forbidden,
  QuotaExceeded,
  NotFound,
  MethodNotAllowed,
  RequestTimeout,
  Conflict,
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
