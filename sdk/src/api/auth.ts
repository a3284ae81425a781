import { mapUpTo, OrganizationName } from "@maxcloud/config-schema"
import { Schema } from "effect"
import { ApiKeyId, InviteId, OidcTrustId, UserId } from "./ids.ts"
import { knownKeysOnly } from "./knownKeysOnly.ts"
import { listOf } from "./lists.ts"
import { openEnum } from "./openEnum.ts"
import { KeyScope, Role } from "./roles.ts"
import { Time } from "./time.ts"

/** An e-mail address, in lower case: something, `@`, a domain with a dot or `localhost`; 254 characters at most (RFC 5321, 4.5.3.1). */
export const Email = Schema.String.pipe(
  Schema.maxLength(254, { message: () => "An e-mail address has 254 characters at most." }),
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

/** Text that names something for people, such as a key: 1 to 100 characters without control characters. */
export const Label = Schema.String.pipe(
  Schema.pattern(/^[^\p{Cc}]{1,100}$/u, { message: () => "A name has 1 to 100 characters, without line breaks." })
)

const nameMessage = () =>
  "A name has 1 to 100 visible characters. Remove line breaks and characters that change the direction of text."

/**
 * A `Label` that others read in lists and in the audit log: it shows something, and holds nothing that hides or reorders the text around it
 * (Unicode: Cf, Zl, Zp).
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
  /** Has the address been confirmed? Until then the account may look, and do nothing. */
  verified: Schema.Boolean
}).annotations({ identifier: "UserInfo" })
export interface UserInfo extends Schema.Schema.Type<typeof UserInfo> {}

/** A sign-in of one person to one organization. The token is shown this once. */
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
  /** Name of the organization to make; its owner is who registers. */
  organization: OrganizationName,
  /** From the link that a new server prints: needed where registration is by invite only. */
  bootstrapToken: Schema.optional(Token)
}).annotations({ identifier: "Registration", ...knownKeysOnly })
export interface Registration extends Schema.Schema.Type<typeof Registration> {}

/**
 * A mail is on its way to the address. It has a link that creates the account or, if the account exists, explains how to sign in. This
 * answer is the same in both cases, so it doesn't reveal whether an account exists.
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
  /** The effective one. */
  role: openEnum(...Role.literals),
  credential: Schema.Struct({
    type: openEnum("local", "session", "key", "oidc"),
    id: Schema.NullOr(Schema.String),
    /** A key's or a trust's name. */
    name: Schema.NullOr(Schema.String),
    scopes: Schema.NullOr(Schema.Array(KeyScope)),
    expiresAt: Schema.NullOr(Time)
  }),
  user: Schema.NullOr(UserInfo),
  /** Every organization that the person is a member of, by name; empty for other credentials than a session. */
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

/** Begin of a device authorization (RFC 8628, 3.2). */
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

/** How a device authorization stands (RFC 8628, 3.5). `slowDown`: polled more often than every `intervalSeconds`. */
export const DeviceProgress = Schema.Union(
  Schema.Struct({ state: Schema.Literal("pending", "slowDown"), intervalSeconds: Schema.Int }),
  Schema.Struct({ state: Schema.Literal("denied", "expired") }),
  Schema.Struct({ state: Schema.Literal("granted"), session: SessionGrant })
).annotations({ identifier: "DeviceProgress" })
export type DeviceProgress = typeof DeviceProgress.Type

/** An API key without its secret part, which is shown once. */
export const ApiKeyInfo = Schema.Struct({
  id: ApiKeyId,
  name: Schema.String,
  /** How the key begins: it tells keys apart, and opens nothing. */
  prefix: Schema.String,
  role: openEnum(...Role.literals),
  /** Empty: not narrowed. */
  scopes: Schema.Array(KeyScope),
  createdAt: Time,
  /** E-mail address of its maker. */
  createdBy: Schema.NullOr(Schema.String),
  lastUsedAt: Schema.NullOr(Time),
  expiresAt: Schema.NullOr(Time),
  /** The key that took its place by rotation. */
  replacedBy: Schema.NullOr(ApiKeyId)
}).annotations({ identifier: "ApiKeyInfo" })
export interface ApiKeyInfo extends Schema.Schema.Type<typeof ApiKeyInfo> {}

export const ApiKeyList = listOf(ApiKeyInfo, { name: "apiKeys", sorts: ["-createdAt", "name"], filters: {} })

export const CreateApiKey = Schema.Struct({
  name: Name,
  /** @default the caller's; never more than that */
  role: Schema.optional(Role),
  scopes: Schema.optionalWith(Schema.Array(KeyScope).pipe(Schema.maxItems(50)), { default: () => [] }),
  /** Seconds from now, up to ten years; absent: it does not expire. */
  expiresInSeconds: Schema.optional(Schema.Int.pipe(Schema.between(60, 315_360_000)))
}).annotations({ identifier: "CreateApiKey", ...knownKeysOnly })
export interface CreateApiKey extends Schema.Schema.Type<typeof CreateApiKey> {}

export const NewApiKey = Schema.Struct({
  apiKey: ApiKeyInfo,
  /** The whole key, shown this once. */
  secret: Schema.Redacted(Schema.String)
}).annotations({ identifier: "NewApiKey" })
export interface NewApiKey extends Schema.Schema.Type<typeof NewApiKey> {}

export const RotateApiKey = Schema.Struct({
  /** How long the former key stays valid, in seconds: up to 30 days. */
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

/** Claims that a token must have: each with the value, or with `*` in it for any text. At least one besides `aud`. */
const Claims = mapUpTo(
  Schema.String.pipe(Schema.pattern(/^[\w./:-]{1,100}$/)),
  Schema.String.pipe(
    Schema.pattern(/^[^\p{Cc}\p{Cs}]{1,500}$/u, {
      message: () => "The value of a claim has 1 to 500 characters, without line breaks."
    })
  ),
  20,
  "The map of claims"
).pipe(Schema.filter((value) => Object.keys(value).length >= 1 || "A trust needs at least one claim, such as sub."))

const Issuer = Schema.String.pipe(
  Schema.maxLength(500),
  Schema.filter(
    (value) => URL.canParse(value) || 'An issuer is a URL, such as "https://token.actions.githubusercontent.com".'
  )
)

/**
 * Tokens of another issuer (OpenID Connect) that act for the organization: GitHub Actions, GitLab, or any that publishes its keys. A token must
 * be signed by the issuer, meant for the audience `maxcloud/<organization>`, and have all of the claims. A trust never grants more than its
 * creator has at present. `effectiveRole` is the role that remains (null: none, the trust has no effect), and `limitedBecause` says why it is less.
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
  createdBy: Schema.NullOr(Schema.String),
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
