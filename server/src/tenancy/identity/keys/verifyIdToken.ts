import { Data, Effect, Redacted } from "effect"
import { errors, type JWTPayload, type JWTVerifyGetKey, jwtVerify } from "jose"
import { IssuerProblem } from "./issuerDocuments.ts"

/** A rejected token. The message quotes nothing of it. */
export class TokenProblem extends Data.TaggedError("TokenProblem")<{ readonly message: string }> {}

/** Only asymmetric ones: with others, anybody who knows an issuer's public key could sign (RFC 8725, 2.1). */
export const algorithms = ["RS256", "ES256", "PS256", "EdDSA"]

/** How far clocks may differ. */
const clockToleranceSeconds = 60

/** Since it was issued, whatever its expiry. */
const maxAgeSeconds = 3_600

/** OpenID Connect Core 1.0, 2: up to 255 characters. */
const subject = /^[^\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]{1,255}$/u

/**
 * The claims of a token that its issuer has signed for the audience, that's valid at `now` and was issued within the
 * last hour (RFC 7519, 4.1; OpenID Connect Core 1.0, 2).
 */
export const verifyIdToken = (
  token: Redacted.Redacted,
  keys: JWTVerifyGetKey,
  expected: { readonly issuer: string; readonly audience: string },
  now: Date
): Effect.Effect<JWTPayload & { readonly sub: string }, TokenProblem | IssuerProblem> =>
  Effect.tryPromise({
    try: () =>
      jwtVerify(Redacted.value(token), keys, {
        ...expected,
        algorithms,
        clockTolerance: clockToleranceSeconds,
        maxTokenAge: maxAgeSeconds,
        requiredClaims: ["sub", "exp", "iat"],
        currentDate: now
      }),
    catch: problemOf
  }).pipe(
    Effect.flatMap(({ payload, protectedHeader: { typ } }) => {
      const otherKind = kindOf(typ, payload)
      if (otherKind !== undefined) {
        return new TokenProblem({ message: `it isn't an ID token, but another kind of token (${otherKind})` })
      }
      return typeof payload.sub === "string" && subject.test(payload.sub)
        ? Effect.succeed({ ...payload, sub: payload.sub })
        : new TokenProblem({ message: "its sub claim isn't a text of 1 to 255 characters" })
    })
  )

/**
 * How a token shows that it's of another kind with the same signature (RFC 8725, 3.11): access tokens (`at+jwt`, RFC
 * 9068), logout tokens and other events. Undefined: it's an ID token, or doesn't say.
 */
const kindOf = (typ: unknown, payload: JWTPayload): string | undefined => {
  if (typ !== undefined && !/^(application\/)?jwt$/i.test(String(typ))) return "typ in its header"
  // Keycloak writes ID, Bearer, Refresh, Logout; Amazon Cognito id or access.
  if (payload.typ !== undefined && (typeof payload.typ !== "string" || !/^(id|jwt)$/i.test(payload.typ)))
    return "its claim typ"
  if (payload.token_use !== undefined && payload.token_use !== "id") return "its claim token_use"
  if (payload.events !== undefined) return "its claim events"
  return undefined
}

const problemOf = (error: unknown): TokenProblem | IssuerProblem => {
  if (error instanceof IssuerProblem) return error
  if (error instanceof errors.JWKSTimeout) {
    return new IssuerProblem({ reason: "unreachable", message: "Fetching the issuer's keys timed out." })
  }
  return new TokenProblem({ message: messageOf(error) })
}

const messageOf = (error: unknown): string => {
  if (error instanceof errors.JWTExpired) {
    return error.claim === "iat"
      ? "it was issued more than an hour ago. Request a new one from the issuer for each run"
      : "it has expired. Request a new one from the issuer for each run"
  }
  if (error instanceof errors.JWTClaimValidationFailed) return messageOfClaim(error)
  if (error instanceof errors.JOSEAlgNotAllowed) return `it isn't signed with one of ${algorithms.join(", ")}`
  if (error instanceof errors.JWKSNoMatchingKey) {
    return "the issuer publishes no key with the kid in its header: was it signed by another issuer, or with a withdrawn key?"
  }
  if (error instanceof errors.JWKSMultipleMatchingKeys) {
    return "its header names none of the issuer's keys (kid), and more than one could be meant"
  }
  if (error instanceof errors.JWSSignatureVerificationFailed) return "its signature isn't by the issuer's key"
  return "it can't be verified: it's malformed, or the issuer's key for it is unusable"
}

const messageOfClaim = ({ claim, reason }: errors.JWTClaimValidationFailed): string => {
  if (reason === "missing") return `it has no ${claim} claim`
  if (claim === "nbf") return "it isn't valid yet (nbf)"
  if (claim === "iat" && reason === "check_failed") return "it was issued in the future (iat): do the clocks differ?"
  return `it has an invalid ${claim} claim`
}
