import type { OrganizationName } from "@maxcloud/config-schema"
import { Effect, type Redacted } from "effect"
import type {
  ApiKeyId,
  ApiKeyInfo,
  AuthStatus,
  CreateOidcTrust,
  DeviceCodes,
  DeviceProgress,
  InviteId,
  InviteInfo,
  KeyScope,
  NewApiKey,
  OidcTrustId,
  OidcTrustInfo,
  RegistrationMailed,
  Role,
  SessionGrant,
  UserInfo
} from "./api/index.ts"
import type { Connection } from "./connection.ts"
import type { CallError } from "./errors.ts"

type Token = Redacted.Redacted<string>

export interface NewKey {
  readonly name: string
  /** @default the caller's; never more than that */
  readonly role?: Role | undefined
  /** @default not narrowed */
  readonly scopes?: ReadonlyArray<KeyScope> | undefined
  /** Seconds from now. @default it does not expire */
  readonly expiresInSeconds?: number | undefined
}

export interface NewInvite {
  readonly email: string
  readonly role: Role
  /** @default 604800, a week */
  readonly expiresInSeconds?: number | undefined
}

export interface NewOidcTrust extends Pick<CreateOidcTrust, "name" | "issuer" | "claims"> {
  /** @default "deployer" */
  readonly role?: Role | undefined
  /** @default not narrowed */
  readonly scopes?: ReadonlyArray<KeyScope> | undefined
}

/** How one signs in, and the credentials of people and machines. */
export interface AuthCalls {
  /** Who calls: the credential, its organization and role, and the person behind it. */
  readonly status: Effect.Effect<AuthStatus, CallError>
  /** Ends the session that the connection's token is of. */
  readonly signOut: Effect.Effect<void, CallError>
  /** A session for another organization that the person is a member of. */
  readonly switchOrganization: (organization: OrganizationName) => Effect.Effect<SessionGrant, CallError>
  /** Sends the mail once more that confirms the address. */
  readonly resendVerification: Effect.Effect<void, CallError>
  /** Asks for an account, and an organization that it owns: a session, or mail whose link makes both. Needs no token. */
  readonly register: (registration: {
    readonly email: string
    readonly organization: OrganizationName
    readonly bootstrapToken?: Token | undefined
  }) => Effect.Effect<SessionGrant | RegistrationMailed, CallError>
  /** Confirms an address by the token that was mailed. Needs no token of the connection. */
  readonly verify: (token: Token) => Effect.Effect<UserInfo, CallError>
  readonly acceptInvite: (token: Token) => Effect.Effect<SessionGrant, CallError>
  /** Begins a device authorization (RFC 8628). */
  readonly startDevice: (clientName: string) => Effect.Effect<DeviceCodes, CallError>
  readonly pollDevice: (deviceCode: Token) => Effect.Effect<DeviceProgress, CallError>
  readonly apiKeys: {
    readonly list: Effect.Effect<ReadonlyArray<ApiKeyInfo>, CallError>
    /** The whole key is in this answer, and nowhere else. */
    readonly create: (key: NewKey) => Effect.Effect<NewApiKey, CallError>
    /** A new key of the same rights; the former one goes on for `overlapSeconds` (a day where it is left out). */
    readonly rotate: (
      id: ApiKeyId,
      options?: { readonly overlapSeconds?: number | undefined }
    ) => Effect.Effect<NewApiKey, CallError>
    readonly delete: (id: ApiKeyId) => Effect.Effect<void, CallError>
  }
  readonly invites: {
    readonly list: Effect.Effect<ReadonlyArray<InviteInfo>, CallError>
    readonly create: (invite: NewInvite) => Effect.Effect<InviteInfo, CallError>
    readonly revoke: (id: InviteId) => Effect.Effect<void, CallError>
  }
  /** Whose tokens act for the organization: CI without a kept key. */
  readonly oidcTrusts: {
    readonly list: Effect.Effect<ReadonlyArray<OidcTrustInfo>, CallError>
    readonly create: (trust: NewOidcTrust) => Effect.Effect<OidcTrustInfo, CallError>
    readonly delete: (id: OidcTrustId) => Effect.Effect<void, CallError>
  }
}

type Api = Effect.Effect.Success<Connection["api"]>

const day = 86_400
const week = 604_800

export const makeAuthCalls = ({ call }: Connection, api: Api, anonymous: Api): AuthCalls => ({
  status: call(api.auth.status({})),
  signOut: call(api.auth.signOut({})),
  switchOrganization: (organization) => call(api.auth.switchOrganization({ payload: { organization } })),
  resendVerification: call(api.auth.resendVerification({})),
  register: ({ bootstrapToken, email, organization }) =>
    call(anonymous.signIn.register({ payload: { email, organization, bootstrapToken } })),
  verify: (token) => call(anonymous.signIn.verify({ payload: { token } })),
  acceptInvite: (token) => call(anonymous.signIn.acceptInvite({ payload: { token } })),
  startDevice: (clientName) => call(anonymous.signIn.startDevice({ payload: { clientName } })),
  pollDevice: (deviceCode) => call(anonymous.signIn.pollDevice({ payload: { deviceCode } })),
  apiKeys: {
    list: call(api.auth.apiKeys({})).pipe(Effect.map((_) => _.apiKeys)),
    create: ({ expiresInSeconds, name, role, scopes = [] }) =>
      call(api.auth.createApiKey({ payload: { name, role, scopes, expiresInSeconds } })),
    rotate: (id, { overlapSeconds = day } = {}) =>
      call(api.auth.rotateApiKey({ path: { id }, payload: { overlapSeconds } })),
    delete: (id) => call(api.auth.deleteApiKey({ path: { id } }))
  },
  invites: {
    list: call(api.auth.invites({})).pipe(Effect.map((_) => _.invites)),
    create: ({ email, expiresInSeconds = week, role }) =>
      call(api.auth.createInvite({ payload: { email, role, expiresInSeconds } })),
    revoke: (id) => call(api.auth.revokeInvite({ path: { id } }))
  },
  oidcTrusts: {
    list: call(api.auth.oidcTrusts({})).pipe(Effect.map((_) => _.oidcTrusts)),
    create: ({ claims, issuer, name, role = "deployer", scopes = [] }) =>
      call(api.auth.createOidcTrust({ payload: { name, issuer, claims, role, scopes } })),
    delete: (id) => call(api.auth.deleteOidcTrust({ path: { id } }))
  }
})
