import type { OrganizationName } from "@maxcloud/config-schema"
import type {
  Conflict,
  DeviceCodes,
  DeviceProgress,
  Forbidden,
  NotFound,
  Registration,
  RegistrationMailed,
  Role,
  SessionGrant,
  TooManyRequests,
  Unavailable,
  UserId,
  UserInfo
} from "@maxcloud/sdk/api"
import { Context, type Effect, type Redacted } from "effect"
import type { Organization } from "../../base/words/Organization.ts"
import type { Caller } from "../access/Caller.ts"

type Failing<E> = E | TooManyRequests | Unavailable

/** A person who has signed in at the sign-in page. */
export interface BrowserPerson {
  readonly userId: UserId
  readonly email: string
}

/** People: their accounts, and how they sign in. Only methods with a `Caller` need a credential. */
export class Accounts extends Context.Tag("@maxcloud/server/Accounts")<
  Accounts,
  {
    /**
     * Registers somebody. With a bootstrap token, or if mail reaches nobody, like `register`. Otherwise by mail to the
     * address, whether it has an account or not.
     */
    readonly enroll: (
      input: Registration
    ) => Effect.Effect<SessionGrant | RegistrationMailed, Failing<Conflict | Forbidden>>
    /**
     * Returns a session at once. It reveals whether the address has an account: see `enroll`. Forbidden if registration
     * is by invite only, without a bootstrap token. All or nothing, including the mail.
     */
    readonly register: (input: Registration) => Effect.Effect<SessionGrant, Failing<Conflict | Forbidden>>
    /** For a person with an account, who becomes its owner. Forbidden if registration is by invite only. */
    readonly createOrganization: (
      userId: UserId,
      name: OrganizationName
    ) => Effect.Effect<void, Failing<Conflict | Forbidden>>
    /** Can people create organizations themselves? */
    readonly isOpen: Effect.Effect<boolean>
    /**
     * With a mailed link: confirms the address, or creates the account that was requested by mail. Conflict: the
     * organization's name was taken since.
     */
    readonly verify: (token: Redacted.Redacted) => Effect.Effect<UserInfo, Failing<NotFound | Conflict>>
    readonly resendVerification: (caller: Caller) => Effect.Effect<void, Failing<Forbidden>>
    /**
     * Mails a code if the account exists, without revealing whether it does. Returns what `finishSignIn` needs besides
     * the code.
     */
    readonly beginSignIn: (email: string) => Effect.Effect<{ readonly challenge: string }, Failing<never>>
    /** The browser session of the sign-in page, in exchange for the mailed code. A few wrong codes end the challenge. */
    readonly finishSignIn: (
      challenge: string,
      code: Redacted.Redacted
    ) => Effect.Effect<BrowserPerson & { readonly browserToken: Redacted.Redacted }, Failing<NotFound>>
    /**
     * The person who signed in at the page within the last quarter of an hour, by the `browserToken` from
     * `finishSignIn`.
     */
    readonly browserPerson: (token: Redacted.Redacted) => Effect.Effect<BrowserPerson | undefined, Unavailable>
    /**
     * The link that a server without accounts prints at its start. Only the newest is valid, once. undefined: there are
     * accounts.
     */
    readonly bootstrapToken: Effect.Effect<Redacted.Redacted | undefined, Unavailable>
  }
>() {}

/** A program that asks to sign in: its own description, and the server's observations. */
export interface AskingDevice {
  /** The program's own name for itself, without characters that hide or reorder text. */
  readonly clientName: string
  readonly userCode: string
  /** The network address of the program's request; undefined if the server doesn't know it. */
  readonly clientAddress: string | undefined
  readonly askedAt: Date
}

/** Device authorizations (RFC 8628): a program without a browser signs in through a page on another device. */
export class Devices extends Context.Tag("@maxcloud/server/Devices")<
  Devices,
  {
    readonly start: (clientName: string) => Effect.Effect<DeviceCodes, Failing<never>>
    readonly poll: (deviceCode: Redacted.Redacted) => Effect.Effect<DeviceProgress, Failing<never>>
    /** For the page: the waiting program, as long as it can be answered. Codes ignore case and hyphens. */
    readonly find: (userCode: string) => Effect.Effect<AskingDevice, Failing<NotFound>>
    /** The same answer by the same person again is accepted: a button may be pressed twice. */
    readonly approve: (
      userCode: string,
      userId: UserId,
      organization: OrganizationName
    ) => Effect.Effect<void, Failing<NotFound>>
    readonly deny: (userCode: string, userId: UserId) => Effect.Effect<void, Failing<NotFound>>
  }
>() {}

/**
 * Sessions of people: each belongs to one organization, and can act in every other that its person is a member of
 * (`callerIn`).
 */
export class Sessions extends Context.Tag("@maxcloud/server/Sessions")<
  Sessions,
  {
    /**
     * For a member of the organization, in the open transaction if there is one. NotFound if the person isn't a member.
     */
    readonly grant: (
      userId: UserId,
      organization: OrganizationName
    ) => Effect.Effect<SessionGrant, NotFound | Unavailable>
    /** The person's memberships, by name. */
    readonly organizationsOf: (
      userId: UserId
    ) => Effect.Effect<ReadonlyArray<Organization & { readonly role: Role }>, Unavailable>
    /** Describes the caller's credential, for `auth status`. */
    readonly describe: (
      caller: Caller
    ) => Effect.Effect<{ readonly name: string | null; readonly expiresAt: string | null }, Unavailable>
    readonly end: (caller: Caller) => Effect.Effect<void, Forbidden | Unavailable>
    /** Ends a session that nobody can use, for example one granted on a page that shows no token. */
    readonly discard: (grant: SessionGrant) => Effect.Effect<void, Unavailable>
  }
>() {}
