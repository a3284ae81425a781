import { OrganizationName } from "@maxcloud/config-schema"
import { Either, Option, Redacted, Schema } from "effect"
import { decodeJwt, decodeProtectedHeader } from "jose"

/** The maximum size of a token in bytes: issuers' have 1 to 4 KiB. */
const maxLength = 16_384

const compact = /^[-\w]+\.[-\w]+\.[-\w]*$/

/** Does it have the form of a signed JSON Web Token (RFC 7515, 7.1)? Our own tokens have no dots. */
export const looksLikeJwt = (token: Redacted.Redacted) => {
  const written = Redacted.value(token)
  return written.length <= maxLength && compact.test(written)
}

/** An unverified token's claims: only good for finding the keys that verify it. */
export interface Unverified {
  readonly issuer: string
  readonly organization: OrganizationName
}

const audiencePrefix = "maxcloud/"
export const audienceOf = (organization: OrganizationName) => `${audiencePrefix}${organization}`

const Payload = Schema.Struct({
  iss: Schema.String.pipe(Schema.pattern(/^[!-~]{1,500}$/)),
  aud: Schema.Union(Schema.String, Schema.Array(Schema.String))
})
const decodePayload = Schema.decodeUnknownOption(Payload)
const decodeOrganization = Schema.decodeUnknownOption(OrganizationName)

/** Left: what's wrong with it, for its sender. */
export const readUnverified = (token: Redacted.Redacted): Either.Either<Unverified, string> => {
  const read = Either.try(() => {
    decodeProtectedHeader(Redacted.value(token))
    return decodeJwt(Redacted.value(token))
  })
  const payload = Option.flatMap(Either.getRight(read), decodePayload)
  if (Option.isNone(payload)) return Either.left("couldn't read this token as a JWT with the claims iss and aud")
  const { aud, iss } = payload.value
  const ours = (typeof aud === "string" ? [aud] : aud).filter((text) => text.startsWith(audiencePrefix))
  const [own] = ours
  if (own === undefined) {
    return Either.left(
      'this token is for another audience. Request one from the issuer with the audience "maxcloud/<organization>"'
    )
  }
  const organization = decodeOrganization(own.slice(audiencePrefix.length))
  if (ours.length > 1 || Option.isNone(organization)) {
    return Either.left(
      'a token acts for one organization, so it needs exactly one audience of the form "maxcloud/<organization>"'
    )
  }
  return Either.right({ issuer: iss, organization: organization.value })
}
