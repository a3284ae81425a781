import * as HttpApiSchema from "@effect/platform/HttpApiSchema"
import { Schema, SchemaAST } from "effect"
import { apiErrors, codeOf, problemPath } from "../errorTable.ts"
import { openEnum } from "./openEnum.ts"
import { ProblemError } from "./problemErrors.ts"
import { ReadinessCheck } from "./readiness.ts"

type ApiErrors = typeof apiErrors
type Tag = keyof ApiErrors

/** Typed by this row's field. Destructuring would give the union of all rows' types. */
const fieldOf = <Row, Field extends keyof Row>(row: Row, field: Field): Row[Field] => row[field]

const byDefault = <A, I>(schema: Schema.Schema<A, I>, value: NoInfer<A>) =>
  schema.pipe(
    Schema.propertySignature,
    Schema.withConstructorDefault(() => value)
  )

/**
 * One error of the API, as a class with a `_tag`. In a response it is a problem document (RFC 9457), written by `wire`. The server adds
 * `instance` and `requestId`. `detail` says what happened, where, and how to fix it; `code` is that of the problem document, in snake case. The
 * rows of `apiErrors` explain each error.
 */
const problem = <const T extends Tag, Fields extends Schema.Struct.Fields>(tag: T, fields: Fields) => {
  const status = fieldOf(apiErrors[tag], "status")
  const title = fieldOf(apiErrors[tag], "title")
  return [
    tag,
    {
      type: byDefault(Schema.String, problemPath(tag)),
      title: byDefault(Schema.String, title),
      status: byDefault(Schema.Literal(status), status),
      detail: Schema.String,
      instance: Schema.optional(Schema.String),
      requestId: Schema.optional(Schema.String),
      ...fields
    }
  ] as const
}

export class InvalidRequest extends Schema.TaggedError<InvalidRequest>()(
  ...problem("InvalidRequest", { errors: Schema.Array(ProblemError) })
) {
  get code(): string {
    return codeOf(this._tag)
  }
}

/** The server no longer supports this version of the client. */
export class ClientOutdated extends Schema.TaggedError<ClientOutdated>()(
  ...problem("ClientOutdated", { clientVersion: Schema.String, minimumClient: Schema.String })
) {
  get code(): string {
    return codeOf(this._tag)
  }
}

export class InvalidSpec extends Schema.TaggedError<InvalidSpec>()(
  ...problem("InvalidSpec", { errors: Schema.Array(ProblemError) })
) {
  get code(): string {
    return codeOf(this._tag)
  }
}

export class Unauthenticated extends Schema.TaggedError<Unauthenticated>()(
  ...problem("Unauthenticated", { localMode: Schema.optional(Schema.Literal(true)) })
) {
  get code(): string {
    return codeOf(this._tag)
  }
}

export class Forbidden extends Schema.TaggedError<Forbidden>()(...problem("Forbidden", {})) {
  get code(): string {
    return codeOf(this._tag)
  }
}

export class QuotaExceeded extends Schema.TaggedError<QuotaExceeded>()(...problem("QuotaExceeded", {})) {
  get code(): string {
    return codeOf(this._tag)
  }
}

export class NotFound extends Schema.TaggedError<NotFound>()(
  ...problem("NotFound", {
    resource: openEnum(
      "service",
      "instance",
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
      "policy",
      "webhook",
      "webhookDelivery",
      "device",
      "token",
      "certificate",
      "page"
    ),
    /** Not `name`, because JavaScript errors have one. */
    resourceName: Schema.String
  })
) {
  get code(): string {
    return codeOf(this._tag)
  }
}

export class Conflict extends Schema.TaggedError<Conflict>()(
  ...problem("Conflict", { owner: Schema.optional(Schema.String) })
) {
  get code(): string {
    return codeOf(this._tag)
  }
}

/** The same request is in progress. Send it again in a moment to get its response. */
export class RequestInProgress extends Schema.TaggedError<RequestInProgress>()(
  ...problem("RequestInProgress", { retryAfterSeconds: Schema.Int })
) {
  get code(): string {
    return codeOf(this._tag)
  }
}

export class IdempotencyKeyReused extends Schema.TaggedError<IdempotencyKeyReused>()(
  ...problem("IdempotencyKeyReused", {})
) {
  get code(): string {
    return codeOf(this._tag)
  }
}

export class AnswerLost extends Schema.TaggedError<AnswerLost>()(...problem("AnswerLost", {})) {
  get code(): string {
    return codeOf(this._tag)
  }
}

export class MethodNotAllowed extends Schema.TaggedError<MethodNotAllowed>()(
  ...problem("MethodNotAllowed", { allow: Schema.Array(Schema.String) })
) {
  get code(): string {
    return codeOf(this._tag)
  }
}

export class RequestTimeout extends Schema.TaggedError<RequestTimeout>()(...problem("RequestTimeout", {})) {
  get code(): string {
    return codeOf(this._tag)
  }
}

export class PlanOutdated extends Schema.TaggedError<PlanOutdated>()(
  ...problem("PlanOutdated", {
    /** The number of the deployment that the plan is based on; null for none. */
    basedOn: Schema.NullOr(Schema.Int),
    /** The number of the newest deployment now. */
    newestDeployment: Schema.NullOr(Schema.Int)
  })
) {
  get code(): string {
    return codeOf(this._tag)
  }
}

export class PayloadTooLarge extends Schema.TaggedError<PayloadTooLarge>()(...problem("PayloadTooLarge", {})) {
  get code(): string {
    return codeOf(this._tag)
  }
}

export class UnsupportedMediaType extends Schema.TaggedError<UnsupportedMediaType>()(
  ...problem("UnsupportedMediaType", {})
) {
  get code(): string {
    return codeOf(this._tag)
  }
}

export class TooManyRequests extends Schema.TaggedError<TooManyRequests>()(
  ...problem("TooManyRequests", {
    retryAfterSeconds: Schema.Int,
    /** The exceeded limit, as in the response's `RateLimit-Policy`. */
    limit: Schema.optional(Schema.Struct({ name: Schema.String, quota: Schema.Int, windowSeconds: Schema.Int }))
  })
) {
  get code(): string {
    return codeOf(this._tag)
  }
}

export class RequestHeaderFieldsTooLarge extends Schema.TaggedError<RequestHeaderFieldsTooLarge>()(
  ...problem("RequestHeaderFieldsTooLarge", {})
) {
  get code(): string {
    return codeOf(this._tag)
  }
}

export class Unavailable extends Schema.TaggedError<Unavailable>()(
  ...problem("Unavailable", { retryAfterSeconds: Schema.Int })
) {
  get code(): string {
    return codeOf(this._tag)
  }
}

export class NotReady extends Schema.TaggedError<NotReady>()(
  ...problem("NotReady", { checks: Schema.Array(ReadinessCheck) })
) {
  get code(): string {
    return codeOf(this._tag)
  }
}

export class InsufficientStorage extends Schema.TaggedError<InsufficientStorage>()(
  ...problem("InsufficientStorage", {})
) {
  get code(): string {
    return codeOf(this._tag)
  }
}

export class InternalError extends Schema.TaggedError<InternalError>()(...problem("InternalError", {})) {
  get code(): string {
    return codeOf(this._tag)
  }
}

/** The fields of an error's class, with `code` in place of `_tag`. */
const withCode = (ast: SchemaAST.AST, tag: string): SchemaAST.AST => {
  const encoded = SchemaAST.encodedBoundAST(ast)
  if (!SchemaAST.isTypeLiteral(encoded)) throw new Error(`The error ${tag} isn't an object.`)
  const code = new SchemaAST.PropertySignature("code", new SchemaAST.Literal(codeOf(tag)), false, true)
  const fields = encoded.propertySignatures.map((field) => (field.name === "_tag" ? code : field))
  return new SchemaAST.TypeLiteral(fields, [], { [SchemaAST.IdentifierAnnotationId]: tag })
}

/** An error in a response. Clients recognize it by `code`, in snake case. */
const onWire = <A extends { readonly _tag: Tag }, I extends { readonly _tag: Tag }>(
  error: Schema.Schema<A, I> & { readonly _tag: Tag }
): Schema.Schema<A, ProblemDocument> => {
  const { ast, _tag: tag } = error
  return Schema.transform(Schema.make<ProblemDocument, ProblemDocument>(withCode(ast, tag)), error, {
    strict: false,
    decode: ({ code: _, ...rest }) => ({ _tag: tag, ...rest }),
    encode: ({ _tag: _, ...rest }) => ({ code: codeOf(tag), ...rest })
  }).annotations({
    identifier: tag,
    [HttpApiSchema.AnnotationStatus]: apiErrors[tag].status,
    [HttpApiSchema.AnnotationEncoding]: { kind: "Json", contentType: "application/problem+json" }
  })
}

/** A problem document of any code. */
export interface ProblemDocument {
  readonly type: string
  readonly title: string
  readonly status: number
  readonly detail: string
  readonly code: string
  readonly instance?: string | undefined
  readonly requestId?: string | undefined
  readonly errors?: ReadonlyArray<ProblemError> | undefined
}

/** Each error as it is in the contract's responses. */
export const wire = {
  InvalidRequest: onWire(InvalidRequest),
  ClientOutdated: onWire(ClientOutdated),
  InvalidSpec: onWire(InvalidSpec),
  Unauthenticated: onWire(Unauthenticated),
  Forbidden: onWire(Forbidden),
  QuotaExceeded: onWire(QuotaExceeded),
  NotFound: onWire(NotFound),
  Conflict: onWire(Conflict),
  RequestInProgress: onWire(RequestInProgress),
  IdempotencyKeyReused: onWire(IdempotencyKeyReused),
  AnswerLost: onWire(AnswerLost),
  MethodNotAllowed: onWire(MethodNotAllowed),
  RequestTimeout: onWire(RequestTimeout),
  PlanOutdated: onWire(PlanOutdated),
  PayloadTooLarge: onWire(PayloadTooLarge),
  UnsupportedMediaType: onWire(UnsupportedMediaType),
  TooManyRequests: onWire(TooManyRequests),
  RequestHeaderFieldsTooLarge: onWire(RequestHeaderFieldsTooLarge),
  Unavailable: onWire(Unavailable),
  NotReady: onWire(NotReady),
  InsufficientStorage: onWire(InsufficientStorage),
  InternalError: onWire(InternalError)
}

const classes = [
  InvalidRequest,
  ClientOutdated,
  InvalidSpec,
  Unauthenticated,
  Forbidden,
  QuotaExceeded,
  NotFound,
  Conflict,
  RequestInProgress,
  IdempotencyKeyReused,
  AnswerLost,
  MethodNotAllowed,
  RequestTimeout,
  PlanOutdated,
  PayloadTooLarge,
  UnsupportedMediaType,
  TooManyRequests,
  RequestHeaderFieldsTooLarge,
  Unavailable,
  NotReady,
  InsufficientStorage,
  InternalError
] as const

/** Every error in the API's responses. */
export const ApiError = Schema.Union(
  wire.InvalidRequest,
  wire.ClientOutdated,
  wire.InvalidSpec,
  wire.Unauthenticated,
  wire.Forbidden,
  wire.QuotaExceeded,
  wire.NotFound,
  wire.Conflict,
  wire.RequestInProgress,
  wire.IdempotencyKeyReused,
  wire.AnswerLost,
  wire.MethodNotAllowed,
  wire.RequestTimeout,
  wire.PlanOutdated,
  wire.PayloadTooLarge,
  wire.UnsupportedMediaType,
  wire.TooManyRequests,
  wire.RequestHeaderFieldsTooLarge,
  wire.Unavailable,
  wire.NotReady,
  wire.InsufficientStorage,
  wire.InternalError
)
export type ApiError = typeof ApiError.Type

/** Whether something is an error of the API, for `instanceof`. */
export const isApiErrorInstance = (value: unknown): value is ApiError => classes.some((each) => value instanceof each)

for (const { prototype } of classes) {
  Object.defineProperty(prototype, "message", {
    get(this: ApiError) {
      return this.detail
    },
    configurable: true
  })
}
