import type {
  Conflict,
  Email,
  Forbidden,
  InvalidRequest,
  InviteId,
  InviteInfo,
  InviteList,
  InviteState,
  MemberInfo,
  MemberList,
  NotFound,
  Page,
  Role,
  SessionGrant,
  TooManyRequests,
  Unavailable,
  UserId
} from "@maxcloud/sdk/api"
import { Context, type Effect, type Redacted } from "effect"
import type { Caller } from "../access/Caller.ts"

/**
 * The members of an organization. Nobody grants a higher role than their own, and an organization always has an owner.
 */
export class Members extends Context.Tag("@maxcloud/server/Members")<
  Members,
  {
    readonly page: (
      caller: Caller,
      filter: { readonly role?: Role | undefined },
      paging: ReturnType<typeof MemberList.pagingOf>
    ) => Effect.Effect<Page<MemberInfo>, InvalidRequest | Unavailable>
    readonly change: (
      caller: Caller,
      userId: UserId,
      role: Role
    ) => Effect.Effect<MemberInfo, NotFound | Forbidden | Conflict | Unavailable>
    /** Also ends the person's sessions and keys in the organization. */
    readonly remove: (
      caller: Caller,
      userId: UserId
    ) => Effect.Effect<void, NotFound | Forbidden | Conflict | Unavailable>
  }
>() {}

/** Invites by mail. */
export class Invites extends Context.Tag("@maxcloud/server/Invites")<
  Invites,
  {
    readonly page: (
      caller: Caller,
      filter: { readonly state?: InviteState | undefined },
      paging: ReturnType<typeof InviteList.pagingOf>
    ) => Effect.Effect<Page<InviteInfo>, InvalidRequest | Unavailable>
    /** Conflict if the person is already a member. Replaces an open invite of the same address. */
    readonly create: (
      caller: Caller,
      input: { readonly email: Email; readonly role: Role; readonly expiresInSeconds: number }
    ) => Effect.Effect<InviteInfo, Conflict | Forbidden | TooManyRequests | Unavailable>
    readonly revoke: (caller: Caller, id: InviteId) => Effect.Effect<void, NotFound | Unavailable>
    /** Creates the account if it doesn't exist. Works once. */
    readonly accept: (token: Redacted.Redacted) => Effect.Effect<SessionGrant, NotFound | TooManyRequests | Unavailable>
  }
>() {}
