const unknownAuthority = new Set([
  "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
  "UNABLE_TO_GET_ISSUER_CERT",
  "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
  "SELF_SIGNED_CERT_IN_CHAIN",
  "DEPTH_ZERO_SELF_SIGNED_CERT",
  "CERT_UNTRUSTED",
  "INVALID_CA"
])

/** Why a certificate isn't trusted, by the code of Node's TLS; undefined if it's about something else. */
export const certificateFault = (code: string): "authority" | "expired" | "early" | "name" | "other" | undefined => {
  if (unknownAuthority.has(code)) return "authority"
  if (code === "CERT_HAS_EXPIRED") return "expired"
  if (code === "CERT_NOT_YET_VALID") return "early"
  if (code === "ERR_TLS_CERT_ALTNAME_INVALID") return "name"
  return /CERT|SIGNATURE|HOSTNAME_MISMATCH/.test(code) ? "other" : undefined
}
