import { X509Certificate } from "node:crypto"
import { Option, Schema } from "effect"
import type { ClusterCredentials } from "./connect.ts"

const decodeClaims = Schema.decodeOption(Schema.parseJson(Schema.Struct({ exp: Schema.Number })))

/** Seconds since 1970 until a JWT is valid (RFC 7519, `exp`); undefined for another kind of token. */
const tokenExpiry = (authorization: string | undefined): number | undefined => {
  const claims = /^Bearer [^.]+\.([^.]+)\.[^.]+$/.exec(authorization ?? "")?.[1]
  if (claims === undefined) return undefined
  return Option.getOrUndefined(decodeClaims(Buffer.from(claims, "base64url").toString("utf8")))?.exp
}

const certificateExpiry = (cert: Buffer | string | undefined): number | undefined =>
  cert === undefined ? undefined : Date.parse(new X509Certificate(cert).validTo) / 1000

/** When the first of the credentials expires, in seconds since 1970; undefined if none says, or if they are renewed without the operator. */
export const credentialExpiry = ({
  changing,
  headers,
  tls
}: Pick<ClusterCredentials, "changing" | "headers" | "tls">): number | undefined => {
  if (changing) return undefined
  const ends = [tokenExpiry(headers["authorization"]), certificateExpiry(tls.cert)].filter((end) => end !== undefined)
  return ends.length === 0 ? undefined : Math.min(...ends)
}
