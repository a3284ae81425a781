import { OrganizationName } from "@maxcloud/config-schema"
import { Effect, Redacted } from "effect"
import {
  ApiKeyId,
  type ApiKeyInfo,
  type AuthStatus,
  CreateApiKey,
  CreateInvite,
  CreateOidcTrust,
  type DeviceCodes,
  type DeviceProgress,
  InviteId,
  type InviteInfo,
  type KeyScope,
  type NewApiKey,
  OidcTrustId,
  type OidcTrustInfo,
  Registration,
  type RegistrationMailed,
  type Role,
  RotateApiKey,
  type SessionGrant,
  type UserInfo
} from "./api/index.ts"
import type { Connection } from "./connection.ts"
import type { CallError } from "./errors.ts"
import { parse } from "./parse.ts"

type Token = Redacted.Redacted<string>

export interface NewKey {
  readonly name: string
  /** @default the caller's; never more than that */
  readonly role?: Role | undefined
  /** @default not narrowed */
  readonly scopes?: ReadonlyArray<typeof KeyScope.Encoded> | undefined
  /** Seconds from now. @default it does not expire */
  readonly expiresInSeconds?: number | undefined
}

export interface NewInvite {
  readonly email: string
  readonly role: Role
  /** @default 604800, a week */
  readonly expiresInSeconds?: number | undefined
}

export interface NewOidcTrust extends Pick<typeof CreateOidcTrust.Encoded, "name" | "issuer" | "claims"> {
  /** @default "deployer" */
  readonly role?: Role | undefined
  /** @default not narrowed */
  readonly scopes?: ReadonlyArray<typeof KeyScope.Encoded> | undefined
}

/** How one signs in, and the credentials of people and machines. */
export interface AuthCalls {
  /** Who calls: the credential, its organization and role, and the person behind it. */
  readonly status: Effect.Effect<AuthStatus, CallError>
  /** Ends the session that the connection's token is of. */
  readonly signOut: Effect.Effect<void, CallError>
  /** A session for another organization that the person is a member of. */
  readonly switchOrganization: (organization: string) => Effect.Effect<SessionGrant, CallError>
  /** Sends the mail once more that confirms the address. */
  readonly resendVerification: Effect.Effect<void, CallError>
  /** Asks for an account, and an organization that it owns: a session, or mail whose link makes both. Needs no token. */
  readonly register: (registration: {
    readonly email: string
    readonly organization: string
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
      id: string,
      options?: { readonly overlapSeconds?: number | undefined }
    ) => Effect.Effect<NewApiKey, CallError>
    readonly delete: (id: string) => Effect.Effect<void, CallError>
  }
  readonly invites: {
    readonly list: Effect.Effect<ReadonlyArray<InviteInfo>, CallError>
    readonly create: (invite: NewInvite) => Effect.Effect<InviteInfo, CallError>
    readonly revoke: (id: string) => Effect.Effect<void, CallError>
  }
  /** Whose tokens act for the organization: CI without a kept key. */
  readonly oidcTrusts: {
    readonly list: Effect.Effect<ReadonlyArray<OidcTrustInfo>, CallError>
    readonly create: (trust: NewOidcTrust) => Effect.Effect<OidcTrustInfo, CallError>
    readonly delete: (id: string) => Effect.Effect<void, CallError>
  }
}

type Api = Effect.Effect.Success<Connection["api"]>

const parseApiKey = parse(ApiKeyId)
const parseCreateApiKey = parse(CreateApiKey)
const parseCreateInvite = parse(CreateInvite)
const parseCreateOidcTrust = parse(CreateOidcTrust)
const parseInvite = parse(InviteId)
const parseOidcTrust = parse(OidcTrustId)
const parseOrganization = parse(OrganizationName)
const parseRegistration = parse(Registration)
const parseRotate = parse(RotateApiKey)

/** Without the fields that were left out: absent and undefined are one here. */
const given = (fields: object) => Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined))

export const makeAuthCalls = ({ call }: Connection, api: Api, anonymous: Api): AuthCalls => ({
  status: call(api.auth.status({})),
  signOut: call(api.auth.signOut({})),
  switchOrganization: (name) =>
    Effect.flatMap(parseOrganization(name), (organization) =>
      call(api.auth.switchOrganization({ payload: { organization } }))
    ),
  resendVerification: call(api.auth.resendVerification({})),
  register: ({ bootstrapToken, ...registration }) =>
    parseRegistration({
      ...registration,
      ...(bootstrapToken === undefined ? {} : { bootstrapToken: Redacted.value(bootstrapToken) })
    }).pipe(Effect.flatMap((payload) => call(anonymous.signIn.register({ payload })))),
  verify: (token) => call(anonymous.signIn.verify({ payload: { token } })),
  acceptInvite: (token) => call(anonymous.signIn.acceptInvite({ payload: { token } })),
  startDevice: (clientName) => call(anonymous.signIn.startDevice({ payload: { clientName } })),
  pollDevice: (deviceCode) => call(anonymous.signIn.pollDevice({ payload: { deviceCode } })),
  apiKeys: {
    list: call(api.auth.apiKeys({})).pipe(Effect.map((_) => _.apiKeys)),
    create: (key) =>
      Effect.flatMap(parseCreateApiKey(given(key)), (payload) => call(api.auth.createApiKey({ payload }))),
    rotate: (id, options = {}) =>
      Effect.flatMap(Effect.all([parseApiKey(id), parseRotate(given(options))]), ([id, payload]) =>
        call(api.auth.rotateApiKey({ path: { id }, payload }))
      ),
    delete: (id) => Effect.flatMap(parseApiKey(id), (id) => call(api.auth.deleteApiKey({ path: { id } })))
  },
  invites: {
    list: call(api.auth.invites({})).pipe(Effect.map((_) => _.invites)),
    create: (invite) =>
      Effect.flatMap(parseCreateInvite(given(invite)), (payload) => call(api.auth.createInvite({ payload }))),
    revoke: (id) => Effect.flatMap(parseInvite(id), (id) => call(api.auth.revokeInvite({ path: { id } })))
  },
  oidcTrusts: {
    list: call(api.auth.oidcTrusts({})).pipe(Effect.map((_) => _.oidcTrusts)),
    create: (trust) =>
      Effect.flatMap(parseCreateOidcTrust(given(trust)), (payload) => call(api.auth.createOidcTrust({ payload }))),
    delete: (id) => Effect.flatMap(parseOidcTrust(id), (id) => call(api.auth.deleteOidcTrust({ path: { id } })))
  }
})
