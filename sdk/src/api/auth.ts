import { mapUpTo, OrganizationName, quoted } from "@maxcloud/config-schema"
import { Schema } from "effect"
import { Author } from "./author.ts"
import { ApiKeyId, InviteId, OidcTrustId, UserId } from "./ids.ts"
import { knownKeysOnly } from "./knownKeysOnly.ts"
import { listOf } from "./lists.ts"
import { openEnum } from "./openEnum.ts"
import { KeyScope, Role } from "./roles.ts"
import { Time } from "./time.ts"

/** An e-mail address in lower case: any text, `@`, and a domain with a dot or `localhost`. At most 254 characters (RFC 5321, 4.5.3.1). */
export const Email = Schema.String.pipe(
  Schema.maxLength(254, { message: () => "An e-mail address can have up to 254 characters." }),
  Schema.transform(Schema.String, {
    strict: true,
    decode: (text) => text.trim().toLowerCase(),
    encode: (value) => value
  }),
  Schema.pattern(
    /^[^\s@<>()[\]\\,;:"\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]{1,64}@(localhost|[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)+)$/u,
    {
      message: () => 'Write an e-mail address like "ada@example.com".'
    }
  )
)
export type Email = typeof Email.Type

/** A name for people, such as a key's: 1 to 100 characters without control characters. */
export const Label = Schema.String.pipe(
  Schema.pattern(/^[^\p{Cc}]{1,100}$/u, { message: () => "A name must have 1 to 100 characters, without line breaks." })
)

const nameMessage = () =>
  "A name must have 1 to 100 visible characters. Remove line breaks and characters that change the direction of text."

/**
 * A `Label` that other people read in lists and in the audit log: it is visible, and contains no character that hides or reorders the text
 * around it (Unicode: Cf, Zl, Zp).
 */
export const Name = Schema.String.pipe(
  Schema.pattern(/^[^\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]{1,100}$/u, { message: nameMessage }),
  Schema.filter((name) => name.trim() !== "", { message: nameMessage })
)

/** The error for a wrong token must not quote it. */
const noToken = () => "This isn't a token. Copy the whole token, and nothing else."
const Token = Schema.Redacted(
  Schema.String.annotations({ message: noToken }).pipe(Schema.pattern(/^[!-~]{8,4096}$/, { message: noToken }))
)

export const UserInfo = Schema.Struct({
  id: UserId,
  email: Schema.String,
  /** Whether the address is confirmed. Until then the account can only read. */
  verified: Schema.Boolean
}).annotations({ identifier: "UserInfo" })
export interface UserInfo extends Schema.Schema.Type<typeof UserInfo> {}

/** A sign-in of one person to one organization. No later response contains the token. */
export const SessionGrant = Schema.Struct({
  token: Schema.Redacted(Schema.String),
  expiresAt: Time,
  organization: OrganizationName,
  role: openEnum(...Role.literals),
  user: UserInfo
}).annotations({ identifier: "SessionGrant" })
export interface SessionGrant extends Schema.Schema.Type<typeof SessionGrant> {}

export const Registration = Schema.Struct({
  email: Email,
  /** The name of the organization to create. The new account owns it. */
  organization: OrganizationName,
  /** From the link that a new server prints. Required if registration is by invite only. */
  bootstrapToken: Schema.optional(Token)
}).annotations({ identifier: "Registration", ...knownKeysOnly })
export interface Registration extends Schema.Schema.Type<typeof Registration> {}

/**
 * The server is sending a mail to the address. It contains a link that creates the account or, if the account exists, explains how to sign
 * in. This response is the same in both cases, so it doesn't reveal whether an account exists.
 */
export const RegistrationMailed = Schema.Struct({
  state: openEnum("mailed"),
  email: Schema.String
}).annotations({ identifier: "RegistrationMailed" })
export interface RegistrationMailed extends Schema.Schema.Type<typeof RegistrationMailed> {}

export const AcceptInvite = Schema.Struct({ token: Token }).annotations({
  identifier: "AcceptInvite",
  ...knownKeysOnly
})

export const VerifyEmail = Schema.Struct({ token: Token }).annotations({ identifier: "VerifyEmail", ...knownKeysOnly })

/** The caller, as `maxcloud whoami` and `auth status` show it. */
export const AuthStatus = Schema.Struct({
  organization: OrganizationName,
  /** The effective role. */
  role: openEnum(...Role.literals),
  credential: Schema.Struct({
    type: openEnum("local", "session", "key", "oidc"),
    id: Schema.NullOr(Schema.String),
    /** The name of the key or trust. */
    name: Schema.NullOr(Schema.String),
    scopes: Schema.NullOr(Schema.Array(KeyScope)),
    expiresAt: Schema.NullOr(Time)
  }),
  user: Schema.NullOr(UserInfo),
  /** Every organization that the person is a member of, by name. Empty for credentials other than a session. */
  organizations: Schema.Array(Schema.Struct({ name: OrganizationName, role: openEnum(...Role.literals) }))
}).annotations({ identifier: "AuthStatus" })
export interface AuthStatus extends Schema.Schema.Type<typeof AuthStatus> {}

export const CreateOrganization = Schema.Struct({ organization: OrganizationName }).annotations({
  identifier: "CreateOrganization",
  ...knownKeysOnly
})
export interface CreateOrganization extends Schema.Schema.Type<typeof CreateOrganization> {}

export const SwitchOrganization = Schema.Struct({ organization: OrganizationName }).annotations({
  identifier: "SwitchOrganization",
  ...knownKeysOnly
})

/** The start of a device authorization (RFC 8628, 3.2). */
export const DeviceStart = Schema.Struct({
  /** The sign-in page's name for the device, such as `maxcloud on ada-laptop`. */
  clientName: Label
}).annotations({ identifier: "DeviceStart", ...knownKeysOnly })

export const DeviceCodes = Schema.Struct({
  deviceCode: Schema.Redacted(Schema.String),
  userCode: Schema.String,
  verificationUri: Schema.String,
  verificationUriComplete: Schema.String,
  expiresInSeconds: Schema.Int,
  intervalSeconds: Schema.Int
}).annotations({ identifier: "DeviceCodes" })
export interface DeviceCodes extends Schema.Schema.Type<typeof DeviceCodes> {}

export const DevicePoll = Schema.Struct({ deviceCode: Token }).annotations({
  identifier: "DevicePoll",
  ...knownKeysOnly
})

/** The state of a device authorization (RFC 8628, 3.5). `slowDown` means polling more often than every `intervalSeconds`. */
export const DeviceProgress = Schema.Union(
  Schema.Struct({ state: Schema.Literal("pending", "slowDown"), intervalSeconds: Schema.Int }),
  Schema.Struct({ state: Schema.Literal("denied", "expired") }),
  Schema.Struct({ state: Schema.Literal("granted"), session: SessionGrant })
).annotations({ identifier: "DeviceProgress" })
export type DeviceProgress = typeof DeviceProgress.Type

/** An API key without its secret part, which only one response contains. */
export const ApiKeyInfo = Schema.Struct({
  id: ApiKeyId,
  name: Schema.String,
  /** The start of the key. It identifies the key, and isn't secret. */
  prefix: Schema.String,
  role: openEnum(...Role.literals),
  /** Empty means unrestricted. */
  scopes: Schema.Array(KeyScope),
  createdAt: Time,
  /** Null for a key of the organization, which belongs to nobody. */
  createdBy: Schema.NullOr(Author),
  lastUsedAt: Schema.NullOr(Time),
  expiresAt: Schema.NullOr(Time),
  /** The key that replaced it by rotation. */
  replacedBy: Schema.NullOr(ApiKeyId),
  /** The key that created it, and whose deletion deletes it too. Null if a person created it. */
  createdWith: Schema.NullOr(ApiKeyId)
}).annotations({ identifier: "ApiKeyInfo" })
export interface ApiKeyInfo extends Schema.Schema.Type<typeof ApiKeyInfo> {}

export const ApiKeyList = listOf(ApiKeyInfo, { name: "apiKeys", sorts: ["-createdAt", "name"], filters: {} })

export const CreateApiKey = Schema.Struct({
  name: Name,
  /** At most the caller's own. @default the caller's */
  role: Schema.optional(Role),
  scopes: Schema.optionalWith(Schema.Array(KeyScope).pipe(Schema.maxItems(50)), { default: () => [] }),
  /** Seconds from now, up to ten years. If absent, the key doesn't expire. */
  expiresInSeconds: Schema.optional(Schema.Int.pipe(Schema.between(60, 315_360_000)))
}).annotations({ identifier: "CreateApiKey", ...knownKeysOnly })
export interface CreateApiKey extends Schema.Schema.Type<typeof CreateApiKey> {}

export const NewApiKey = Schema.Struct({
  apiKey: ApiKeyInfo,
  /** The complete key. No later response contains it. */
  secret: Schema.Redacted(Schema.String)
}).annotations({ identifier: "NewApiKey" })
export interface NewApiKey extends Schema.Schema.Type<typeof NewApiKey> {}

export const RotateApiKey = Schema.Struct({
  /** How long the old key stays valid, in seconds: up to 30 days. */
  overlapSeconds: Schema.optionalWith(Schema.Int.pipe(Schema.between(0, 2_592_000)), { default: () => 86_400 })
}).annotations({ identifier: "RotateApiKey", ...knownKeysOnly })

export const InviteState = Schema.Literal("open", "accepted", "revoked", "expired")
export type InviteState = typeof InviteState.Type

export const InviteInfo = Schema.Struct({
  id: InviteId,
  email: Schema.String,
  role: openEnum(...Role.literals),
  state: openEnum(...InviteState.literals),
  createdAt: Time,
  /** Null if nobody signed in created it. */
  createdBy: Schema.NullOr(Author),
  expiresAt: Time
}).annotations({ identifier: "InviteInfo" })
export interface InviteInfo extends Schema.Schema.Type<typeof InviteInfo> {}

export const InviteList = listOf(InviteInfo, {
  name: "invites",
  sorts: ["-createdAt", "email"],
  filters: { state: Schema.optional(InviteState) }
})

export const CreateInvite = Schema.Struct({
  email: Email,
  role: Role,
  expiresInSeconds: Schema.optionalWith(Schema.Int.pipe(Schema.between(60, 2_592_000)), { default: () => 604_800 })
}).annotations({ identifier: "CreateInvite", ...knownKeysOnly })

/** The claims that a token must have, with their values. `*` in a value matches any text. At least one besides `aud`. */
const Claims = mapUpTo(
  Schema.String.pipe(
    Schema.pattern(/^[\w./:-]{1,100}$/, {
      message: ({ actual }) =>
        `${quoted(actual)} isn't a valid name of a claim. Use up to 100 letters, digits, "_", ".", "/", ":" and "-".`
    })
  ),
  Schema.String.pipe(
    Schema.pattern(/^[^\p{Cc}\p{Cs}]{1,500}$/u, {
      message: () => "The value of a claim must have 1 to 500 characters, without line breaks."
    })
  ),
  20,
  "The map of claims"
).pipe(Schema.filter((value) => Object.keys(value).length >= 1 || "A trust needs at least one claim, such as sub."))

const Issuer = Schema.String.pipe(
  Schema.maxLength(500),
  Schema.filter(
    (value) => URL.canParse(value) || 'An issuer must be a URL, such as "https://token.actions.githubusercontent.com".'
  )
)

/**
 * Tokens of another issuer (OpenID Connect) that act for the organization: GitHub Actions, GitLab, or any issuer that publishes its keys. A
 * token must be signed by the issuer, issued for the audience `maxcloud/<organization>`, and have all of the claims. A trust never grants more
 * than its creator currently has: `effectiveRole` is the remaining role (null: none), and `limitedBecause` is the reason if it's lower.
 */
export const OidcTrustInfo = Schema.Struct({
  id: OidcTrustId,
  name: Schema.String,
  issuer: Schema.String,
  audience: Schema.String,
  claims: Schema.Record({ key: Schema.String, value: Schema.String }),
  role: openEnum(...Role.literals),
  scopes: Schema.Array(KeyScope),
  createdAt: Time,
  lastUsedAt: Schema.NullOr(Time),
  createdBy: Schema.NullOr(Author),
  effectiveRole: Schema.NullOr(openEnum(...Role.literals)),
  limitedBecause: Schema.NullOr(Schema.String)
}).annotations({ identifier: "OidcTrustInfo" })
export interface OidcTrustInfo extends Schema.Schema.Type<typeof OidcTrustInfo> {}

export const OidcTrustList = listOf(OidcTrustInfo, { name: "oidcTrusts", sorts: ["name", "createdAt"], filters: {} })

export const CreateOidcTrust = Schema.Struct({
  name: Name,
  issuer: Issuer,
  claims: Claims,
  role: Schema.optionalWith(Role, { default: (): Role => "deployer" }),
  scopes: Schema.optionalWith(Schema.Array(KeyScope).pipe(Schema.maxItems(50)), { default: () => [] })
}).annotations({ identifier: "CreateOidcTrust", ...knownKeysOnly })
export interface CreateOidcTrust extends Schema.Schema.Type<typeof CreateOidcTrust> {}
