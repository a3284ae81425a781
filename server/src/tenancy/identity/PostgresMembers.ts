import { SqlClient } from "@effect/sql/SqlClient"
import { Conflict, Forbidden, NotFound, type Role, type UserId } from "@maxcloud/sdk/api"
import { Effect, Layer } from "effect"
import { asServer } from "../../base/database/RowScope.ts"
import { inTransaction } from "../../base/database/sqlErrors.ts"
import { sha256Hex } from "../../base/words/sha256Hex.ts"
import type { Caller } from "../access/Caller.ts"
import { mayGive } from "../access/policy.ts"
import { Audit } from "../audit/Audit.ts"
import { recordEvents } from "../events/recordEvents.ts"
import { Members } from "./Members.ts"
import { lockMembers, type Member, pageOfMembers } from "./memberRows.ts"
import { whereAway } from "./whereAway.ts"

/** The caller's roles, including the person's present one, so that a demotion takes effect at once. */
const presentRoles = (caller: Caller, members: ReadonlyArray<Member>) =>
  Effect.gen(function* () {
    if (caller.person === undefined) return caller.roles
    const own = members.find((member) => member.userId === caller.person?.id)
    if (own === undefined) return yield* new Forbidden({ detail: "You are no longer a member of the organization." })
    return [...caller.roles, own.role]
  })

/** Finds a member whom the caller may change, and who isn't the last owner. */
const memberFor = (caller: Caller, userId: UserId, members: ReadonlyArray<Member>, next: Role | undefined) =>
  Effect.gen(function* () {
    const member = members.find((member) => member.userId === userId)
    if (member === undefined) {
      return yield* new NotFound({
        resource: "member",
        resourceName: userId,
        detail: `The organization has no member ${userId}. \`maxcloud org members\` lists them.`
      })
    }
    const roles = yield* presentRoles(caller, members)
    if (!mayGive(roles, member.role) || (next !== undefined && !mayGive(roles, next))) {
      return yield* new Forbidden({
        detail:
          member.role === "owner" || next === "owner"
            ? "Only an owner can change who is an owner. Ask one."
            : `Your role can't change a member who is ${next ?? member.role}. Ask an owner.`
      })
    }
    if (
      member.role === "owner" &&
      next !== "owner" &&
      members.filter((member) => member.role === "owner").length === 1
    ) {
      return yield* new Conflict({
        detail: `${member.email} is the last owner, and an organization needs one. Make somebody else an owner first.`
      })
    }
    return member
  })

/** `Members` in the table `memberships`. */
export const layer = Layer.effect(
  Members,
  Effect.gen(function* () {
    const sql = yield* SqlClient
    const audit = yield* Audit

    const change = (caller: Caller, userId: UserId, role: Role) =>
      Effect.gen(function* () {
        const { id } = caller.organization
        const member = yield* memberFor(caller, userId, yield* lockMembers(sql, id), role)
        yield* sql`update memberships set role = ${role} where organization_id = ${id} and user_id = ${userId}`
        if (role !== member.role) {
          yield* recordEvents(id, {
            type: "member.role-changed",
            subject: `members/${userId}`,
            userId,
            data: { userId, role }
          })
        }
        yield* audit.append({
          action: "organization.changeMember",
          outcome: "succeeded",
          status: 200,
          subject: `member ${userId} as ${role}`,
          before: sha256Hex(member.role),
          after: sha256Hex(role),
          organizationId: id
        })
        return { ...member, role }
      })

    const remove = (caller: Caller, userId: UserId) =>
      Effect.gen(function* () {
        const { id } = caller.organization
        const member = yield* memberFor(caller, userId, yield* lockMembers(sql, id), undefined)
        yield* sql`delete from memberships where organization_id = ${id} and user_id = ${userId}`
        yield* sql`delete from sessions where organization_id = ${id} and user_id = ${userId}`
        yield* sql`delete from api_keys where organization_id = ${id} and created_by = ${userId}`
        yield* recordEvents(id, {
          type: "member.removed",
          subject: `members/${userId}`,
          userId,
          data: { userId, role: null }
        })
        yield* audit.append({
          action: "organization.removeMember",
          outcome: "succeeded",
          status: 204,
          subject: `member ${userId}`,
          before: sha256Hex(member.role),
          organizationId: id
        })
      })

    return {
      page: Effect.fn("Members.page")(
        (caller, filter, paging) => pageOfMembers(sql, caller.organization.id, filter, paging),
        whereAway,
        asServer
      ),
      change: Effect.fn("Members.change")(
        (caller, userId, role) => inTransaction(sql, change(caller, userId, role)),
        whereAway,
        asServer
      ),
      remove: Effect.fn("Members.remove")(
        (caller, userId) => inTransaction(sql, remove(caller, userId)),
        whereAway,
        asServer
      )
    }
  })
)
