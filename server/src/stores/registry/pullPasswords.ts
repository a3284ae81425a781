import { OrganizationId } from "@maxcloud/sdk/api"
import { Option, type Redacted, Schema } from "effect"
import { derivedToken, matches, parseToken } from "../../tenancy/identity/tokens.ts"

/** The number of the period that a moment is in. Epoch milliseconds. */
export const periodAt = (millis: number, periodMillis: number): number => Math.floor(millis / periodMillis)

const prefix = "org_"
const readId = Schema.decodeUnknownOption(OrganizationId)

const tokenOf = (secret: Redacted.Redacted, organizationId: OrganizationId, period: number) =>
  derivedToken("pull", organizationId.slice(prefix.length), secret, `${organizationId} ${period}`)

/**
 * The password that an organization's nodes pull with: `mcp_ID_…`. It allows pulling the organization's images and nothing else. It
 * isn't stored anywhere but in the clusters' pull Secrets: every server derives the same one from the registry's secret.
 */
export const pullPasswordOf = (
  secret: Redacted.Redacted,
  organizationId: OrganizationId,
  period: number
): Redacted.Redacted => tokenOf(secret, organizationId, period).token

/**
 * The organization of a pull password. It is valid in its own period and the next one, and a period earlier for a server whose clock
 * is late. Undefined for any other text.
 */
export const organizationOfPull = (
  secrets: ReadonlyArray<Redacted.Redacted>,
  password: Redacted.Redacted,
  period: number
): OrganizationId | undefined => {
  const id = Option.fromNullable(parseToken("pull", password)).pipe(
    Option.flatMap(({ id }) => readId(`${prefix}${id}`)),
    Option.getOrUndefined
  )
  if (id === undefined) return undefined
  const periods = [period, period - 1, period + 1]
  const isOne = secrets.flatMap((secret) => periods.map((each) => matches(password, tokenOf(secret, id, each).hash)))
  return isOne.includes(true) ? id : undefined
}
