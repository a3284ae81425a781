import { type Context, Effect, Redacted, type Schema } from "effect"
import {
  AcceptInvite,
  type ApiKeyInfo,
  type AuditEntry,
  type AuthStatus,
  type CreateApiKey,
  type CreateInvite,
  type CreateOidcTrust,
  DeleteOrganization,
  type DeletionStatus,
  type DeviceCodes,
  DevicePoll,
  type DeviceProgress,
  DeviceStart,
  type ErasureCertificate,
  type InviteInfo,
  type MemberInfo,
  type NewApiKey,
  type OidcTrustInfo,
  type OrganizationInfo,
  Registration,
  type RegistrationMailed,
  Role,
  type SessionGrant,
  type UserInfo,
  VerifyEmail
} from "./api/index.ts"
import type { MaxCloud } from "./MaxCloud.ts"
import type { AuditOptions } from "./organizationCalls.ts"
import { parse } from "./parse.ts"
import { type Abortable, iterate, run } from "./promises.ts"

/** Its secret fields as plain text: what is done with it is up to the caller. */
export type Revealed<A, K extends keyof A> = Omit<A, K> & { readonly [_ in K]: string }
export type RevealedSession = Revealed<SessionGrant, "token">
export type RevealedApiKey = Revealed<NewApiKey, "secret">
export type RevealedDeviceCodes = Revealed<DeviceCodes, "deviceCode">
export type RevealedProgress =
  | Exclude<DeviceProgress, { readonly state: "granted" }>
  | { readonly state: "granted"; readonly session: RevealedSession }

/** People, their credentials, the organization, and its audit log. */
export interface PeopleClient {
  readonly auth: {
    /** Who calls: the credential, its organization and role, and the person behind it. */
    readonly status: (options?: Abortable) => Promise<AuthStatus>
    /** Ends the session that the client's token is of. */
    readonly signOut: (options?: Abortable) => Promise<void>
    /** A session for another organization that the person is a member of. */
    readonly switchOrganization: (organization: string, options?: Abortable) => Promise<RevealedSession>
    readonly resendVerification: (options?: Abortable) => Promise<void>
    /** Asks for an account, and an organization that it owns: a session (with a `token`), or `state` "mailed": the mail's link makes both. */
    readonly register: (
      registration: typeof Registration.Encoded,
      options?: Abortable
    ) => Promise<RevealedSession | RegistrationMailed>
    readonly verify: (token: string, options?: Abortable) => Promise<UserInfo>
    readonly acceptInvite: (token: string, options?: Abortable) => Promise<RevealedSession>
    /** Begins a device authorization (RFC 8628). */
    readonly startDevice: (clientName: string, options?: Abortable) => Promise<RevealedDeviceCodes>
    readonly pollDevice: (deviceCode: string, options?: Abortable) => Promise<RevealedProgress>
    readonly apiKeys: {
      readonly list: (options?: Abortable) => Promise<ReadonlyArray<ApiKeyInfo>>
      /** The whole key is in this answer, and nowhere else. */
      readonly create: (key: typeof CreateApiKey.Encoded, options?: Abortable) => Promise<RevealedApiKey>
      /** A new key of the same rights; the former one goes on for `overlapSeconds`. */
      readonly rotate: (
        id: string,
        options?: Abortable & { readonly overlapSeconds?: number | undefined }
      ) => Promise<RevealedApiKey>
      readonly delete: (id: string, options?: Abortable) => Promise<void>
    }
    readonly invites: {
      readonly list: (options?: Abortable) => Promise<ReadonlyArray<InviteInfo>>
      readonly create: (invite: typeof CreateInvite.Encoded, options?: Abortable) => Promise<InviteInfo>
      readonly revoke: (id: string, options?: Abortable) => Promise<void>
    }
    /** Whose tokens act for the organization: CI without a kept key. */
    readonly oidcTrusts: {
      readonly list: (options?: Abortable) => Promise<ReadonlyArray<OidcTrustInfo>>
      readonly create: (trust: typeof CreateOidcTrust.Encoded, options?: Abortable) => Promise<OidcTrustInfo>
      readonly delete: (id: string, options?: Abortable) => Promise<void>
    }
  }
  /** The organization that the token is of. */
  readonly organization: {
    readonly get: (options?: Abortable) => Promise<OrganizationInfo>
    readonly members: (options?: Abortable) => Promise<ReadonlyArray<MemberInfo>>
    readonly changeMember: (userId: string, role: Role, options?: Abortable) => Promise<MemberInfo>
    readonly removeMember: (userId: string, options?: Abortable) => Promise<void>
    /** Everything that is kept of it, as lines of JSON. */
    readonly export: (options?: Abortable) => AsyncIterable<string>
    /** Its services end at once; after the grace period everything of it is erased. `name` is its name once more. */
    readonly delete: (
      name: string,
      options?: Abortable & { readonly graceDays?: number | undefined }
    ) => Promise<DeletionStatus>
    /** Ends a deletion within its grace period. */
    readonly cancelDeletion: (options?: Abortable) => Promise<void>
  }
  /** What is kept of the signed-in person. */
  readonly account: {
    /** Of its own for the signed-in person, with a session for it. */
    readonly createOrganization: (organization: string, options?: Abortable) => Promise<RevealedSession>
    readonly export: (options?: Abortable) => AsyncIterable<string>
    /** Erases the person in every store, at once. */
    readonly delete: (options?: Abortable) => Promise<ErasureCertificate>
  }
  readonly audit: {
    /** Newest first. */
    readonly list: (options?: AuditOptions & Abortable) => Promise<ReadonlyArray<AuditEntry>>
    /** The whole hash chain with its signed checkpoints, as lines of JSON. */
    readonly export: (options?: Abortable) => AsyncIterable<string>
  }
  readonly erasures: {
    /** A certificate of erasure, by its id. */
    readonly get: (id: string, options?: Abortable) => Promise<ErasureCertificate>
  }
}

const revealSession = (grant: SessionGrant): RevealedSession => ({ ...grant, token: Redacted.value(grant.token) })
const revealKey = (key: NewApiKey): RevealedApiKey => ({ ...key, secret: Redacted.value(key.secret) })
const revealCodes = (codes: DeviceCodes): RevealedDeviceCodes => ({
  ...codes,
  deviceCode: Redacted.value(codes.deviceCode)
})
const revealProgress = (progress: DeviceProgress): RevealedProgress =>
  progress.state === "granted" ? { state: "granted", session: revealSession(progress.session) } : progress

export const makePeopleClient = (
  cloud: Context.Tag.Service<typeof MaxCloud>,
  signalOf: (call: Abortable | undefined) => AbortSignal
): PeopleClient => {
  const { account, audit, auth, organization } = cloud
  /** Parses what the calls as Effects take redacted, and calls. */
  const parsed = <A, I, B>(
    schema: Schema.Schema<A, I>,
    written: unknown,
    call: Abortable | undefined,
    use: (value: A) => Effect.Effect<B, Effect.Effect.Error<typeof cloud.health>>
  ) => run(Effect.flatMap(parse(schema)(written), use), signalOf(call))

  return {
    auth: {
      status: (call) => run(auth.status, signalOf(call)),
      signOut: (call) => run(auth.signOut, signalOf(call)),
      switchOrganization: (name, call) => run(Effect.map(auth.switchOrganization(name), revealSession), signalOf(call)),
      resendVerification: (call) => run(auth.resendVerification, signalOf(call)),
      register: (registration, call) =>
        parsed(Registration, registration, call, (_) =>
          Effect.map(auth.register(_), (answer) => ("token" in answer ? revealSession(answer) : answer))
        ),
      verify: (token, call) => parsed(VerifyEmail, { token }, call, (_) => auth.verify(_.token)),
      acceptInvite: (token, call) =>
        parsed(AcceptInvite, { token }, call, (_) => Effect.map(auth.acceptInvite(_.token), revealSession)),
      startDevice: (clientName, call) =>
        parsed(DeviceStart, { clientName }, call, (_) => Effect.map(auth.startDevice(_.clientName), revealCodes)),
      pollDevice: (deviceCode, call) =>
        parsed(DevicePoll, { deviceCode }, call, (_) => Effect.map(auth.pollDevice(_.deviceCode), revealProgress)),
      apiKeys: {
        list: (call) => run(auth.apiKeys.list, signalOf(call)),
        create: (key, call) => run(Effect.map(auth.apiKeys.create(key), revealKey), signalOf(call)),
        rotate: (id, { overlapSeconds, signal } = {}) =>
          run(Effect.map(auth.apiKeys.rotate(id, { overlapSeconds }), revealKey), signalOf({ signal })),
        delete: (id, call) => run(auth.apiKeys.delete(id), signalOf(call))
      },
      invites: {
        list: (call) => run(auth.invites.list, signalOf(call)),
        create: (invite, call) => run(auth.invites.create(invite), signalOf(call)),
        revoke: (id, call) => run(auth.invites.revoke(id), signalOf(call))
      },
      oidcTrusts: {
        list: (call) => run(auth.oidcTrusts.list, signalOf(call)),
        create: (trust, call) => run(auth.oidcTrusts.create(trust), signalOf(call)),
        delete: (id, call) => run(auth.oidcTrusts.delete(id), signalOf(call))
      }
    },
    organization: {
      get: (call) => run(organization.get, signalOf(call)),
      members: (call) => run(organization.members, signalOf(call)),
      changeMember: (userId, role, call) => parsed(Role, role, call, (role) => organization.changeMember(userId, role)),
      removeMember: (userId, call) => run(organization.removeMember(userId), signalOf(call)),
      export: (call) => iterate(organization.export, signalOf(call)),
      delete: (name, { graceDays, signal } = {}) =>
        parsed(DeleteOrganization, { name, ...(graceDays === undefined ? {} : { graceDays }) }, { signal }, (_) =>
          organization.delete(_.name, { graceDays: _.graceDays })
        ),
      cancelDeletion: (call) => run(organization.cancelDeletion, signalOf(call))
    },
    account: {
      createOrganization: (name, call) =>
        run(Effect.map(account.createOrganization(name), revealSession), signalOf(call)),
      export: (call) => iterate(account.export, signalOf(call)),
      delete: (call) => run(account.delete, signalOf(call))
    },
    audit: {
      list: ({ signal, ...options } = {}) => run(audit.list(options), signalOf({ signal })),
      export: (call) => iterate(audit.export, signalOf(call))
    },
    erasures: { get: (id, call) => run(cloud.erasures.get(id), signalOf(call)) }
  }
}
