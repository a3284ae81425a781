import { OrganizationName } from "@maxcloud/config-schema"
import { Effect } from "effect"
import {
  AcceptInvite,
  ApiKeyId,
  ApiKeyList,
  type AuthStatus,
  CreateApiKey,
  CreateInvite,
  CreateOidcTrust,
  type DeviceCodes,
  DevicePoll,
  type DeviceProgress,
  DeviceStart,
  InviteId,
  type InviteInfo,
  InviteList,
  type KeyScope,
  type NewApiKey,
  OidcTrustId,
  type OidcTrustInfo,
  OidcTrustList,
  Registration,
  type RegistrationMailed,
  type Role,
  RotateApiKey,
  type SessionGrant,
  type UserInfo,
  VerifyEmail
} from "../api/index.ts"
import type { CallError } from "../errors.ts"
import { parsed, parseOptions } from "../input/parse.ts"
import { type AnySecret, type Calling, given, textOf } from "./Calling.ts"
import { listing, pageRequest } from "./listing.ts"

export interface ApiKeyFilter extends Pick<typeof ApiKeyList.parameters.Type, "sort"> {}
export interface InviteFilter extends Pick<typeof InviteList.parameters.Type, "state" | "sort"> {}
export interface OidcTrustFilter extends Pick<typeof OidcTrustList.parameters.Type, "sort"> {}

export interface RotationOptions {
  /** How long the old key stays valid. */
  readonly overlapSeconds?: number | undefined
}

export interface NewKey {
  readonly name: string
  /** At most the caller's own. @default the caller's */
  readonly role?: Role | undefined
  /** @default unrestricted */
  readonly scopes?: ReadonlyArray<typeof KeyScope.Encoded> | undefined
  /** Seconds from now. @default the key doesn't expire */
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
  /** @default unrestricted */
  readonly scopes?: ReadonlyArray<typeof KeyScope.Encoded> | undefined
}

export interface NewRegistration<Secret extends AnySecret> {
  readonly email: string
  readonly organization: string
  /** From the link that a new server prints. Required if registration is by invite only. */
  readonly bootstrapToken?: Secret | undefined
}

const apiKeyCalls = ({ api, call }: Calling) => ({
  /** Newest first. */
  list: listing(ApiKeyList)((page, filter?: ApiKeyFilter) =>
    Effect.flatMap(pageRequest(ApiKeyList, filter, page), (urlParams) =>
      call(api.auth.apiKeys({ urlParams, withResponse: true }))
    )
  ),

  /** Only this response contains the complete key. */
  create: (key: NewKey): Effect.Effect<NewApiKey, CallError> =>
    parsed(CreateApiKey, given(key), (payload) => call(api.auth.createApiKey({ payload }))),

  /** Creates a key with the same rights. The old one keeps working for `overlapSeconds` (default: one day). */
  rotate: (id: string, options?: RotationOptions): Effect.Effect<NewApiKey, CallError> =>
    parsed(ApiKeyId, id, (id) =>
      Effect.flatMap(parseOptions<RotationOptions>(options, { overlapSeconds: "number" }), (given) =>
        parsed(RotateApiKey, given, (payload) => call(api.auth.rotateApiKey({ path: { id }, payload })))
      )
    ),

  delete: (id: string): Effect.Effect<void, CallError> =>
    parsed(ApiKeyId, id, (id) => call(api.auth.deleteApiKey({ path: { id } })))
})

const inviteCalls = ({ api, call }: Calling) => ({
  /** Newest first. */
  list: listing(InviteList)((page, filter?: InviteFilter) =>
    Effect.flatMap(pageRequest(InviteList, filter, page), (urlParams) =>
      call(api.auth.invites({ urlParams, withResponse: true }))
    )
  ),
  create: (invite: NewInvite): Effect.Effect<InviteInfo, CallError> =>
    parsed(CreateInvite, given(invite), (payload) => call(api.auth.createInvite({ payload }))),
  revoke: (id: string): Effect.Effect<void, CallError> =>
    parsed(InviteId, id, (id) => call(api.auth.revokeInvite({ path: { id } })))
})

const oidcTrustCalls = ({ api, call }: Calling) => ({
  /** By name. */
  list: listing(OidcTrustList)((page, filter?: OidcTrustFilter) =>
    Effect.flatMap(pageRequest(OidcTrustList, filter, page), (urlParams) =>
      call(api.auth.oidcTrusts({ urlParams, withResponse: true }))
    )
  ),
  create: (trust: NewOidcTrust): Effect.Effect<OidcTrustInfo, CallError> =>
    parsed(CreateOidcTrust, given(trust), (payload) => call(api.auth.createOidcTrust({ payload }))),
  delete: (id: string): Effect.Effect<void, CallError> =>
    parsed(OidcTrustId, id, (id) => call(api.auth.deleteOidcTrust({ path: { id } })))
})

/** Signing in, and the credentials of people and machines. */
export const authCalls = <Secret extends AnySecret>(calling: Calling) => {
  const { anonymous, api, call } = calling
  return {
    /** The caller: the credential, its organization and role, and the person behind it. */
    status: call<AuthStatus>(api.auth.status({})),

    /** Ends the session of the connection's token. */
    signOut: call(api.auth.signOut({})),

    /** A session for another organization that the person is a member of. */
    switchOrganization: (organization: string): Effect.Effect<SessionGrant, CallError> =>
      parsed(OrganizationName, organization, (name) =>
        call(api.auth.switchOrganization({ payload: { organization: name } }))
      ),

    /** Sends the mail that confirms the address again. */
    resendVerification: call(api.auth.resendVerification({})),

    /** Requests an account and an organization that it owns. Returns a session, or the server mails a link that creates both. Needs no token. */
    register: (registration: NewRegistration<Secret>): Effect.Effect<SessionGrant | RegistrationMailed, CallError> =>
      Effect.suspend(() => {
        const bootstrapToken = registration?.bootstrapToken
        const written = bootstrapToken === undefined ? {} : { bootstrapToken: textOf(bootstrapToken) }
        return parsed(Registration, { ...registration, ...written }, (payload) =>
          call(anonymous.signIn.register({ payload }))
        )
      }),

    /** Confirms an address with the mailed token. Doesn't need the connection's token. */
    verify: (token: Secret): Effect.Effect<UserInfo, CallError> =>
      parsed(VerifyEmail, { token: textOf(token) }, (payload) => call(anonymous.signIn.verify({ payload }))),

    acceptInvite: (token: Secret): Effect.Effect<SessionGrant, CallError> =>
      parsed(AcceptInvite, { token: textOf(token) }, (payload) => call(anonymous.signIn.acceptInvite({ payload }))),

    /** Starts a device authorization (RFC 8628). */
    startDevice: (clientName: string): Effect.Effect<DeviceCodes, CallError> =>
      parsed(DeviceStart, { clientName }, (payload) => call(anonymous.signIn.startDevice({ payload }))),

    pollDevice: (deviceCode: Secret): Effect.Effect<DeviceProgress, CallError> =>
      parsed(DevicePoll, { deviceCode: textOf(deviceCode) }, (payload) =>
        call(anonymous.signIn.pollDevice({ payload }))
      ),

    apiKeys: apiKeyCalls(calling),

    invites: inviteCalls(calling),

    /** Issuers whose tokens act for the organization: CI without a stored key. */
    oidcTrusts: oidcTrustCalls(calling)
  }
}
