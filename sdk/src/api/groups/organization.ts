import * as HttpApiGroup from "@effect/platform/HttpApiGroup"
import * as HttpApiSchema from "@effect/platform/HttpApiSchema"
import { Schema } from "effect"
import { Authentication } from "../authentication.ts"
import { JsonLines, mergePatch } from "../bodies.ts"
import { admins, del, everyone, get, owners, patch, post } from "../endpoint.ts"
import { wire } from "../errors.ts"
import { UserId } from "../ids.ts"
import {
  ChangeMember,
  ChangeOrganization,
  DeleteOrganization,
  DeletionStatus,
  MemberInfo,
  MemberList,
  OrganizationInfo
} from "../organization.ts"

const memberPath = Schema.Struct({ userId: UserId })

export class OrganizationGroup extends HttpApiGroup.make("organization")
  .add(
    get("get", "/", {
      id: "getOrganization",
      summary: "The organization",
      description: "Its quotas, their use, and whether its deletion is scheduled.",
      client: "organization.get",
      roles: everyone,
      writes: false
    }).addSuccess(OrganizationInfo)
  )
  .add(
    patch("change", "/", {
      id: "updateOrganization",
      summary: "Rename the organization",
      description:
        "Changes its display name. Its `name` never changes, since hosts, namespaces and the audience of OIDC tokens contain it.",
      client: "organization.change",
      roles: admins,
      writes: true
    })
      .setPayload(mergePatch(ChangeOrganization))
      .addSuccess(OrganizationInfo)
  )
  .add(
    get("members", "/members", {
      id: "listMembers",
      summary: "List members",
      description: "By e-mail address.",
      client: "organization.members",
      roles: everyone,
      writes: false
    })
      .setUrlParams(MemberList.parameters)
      .addSuccess(MemberList.answer)
  )
  .add(
    patch("changeMember", "/members/:userId", {
      id: "updateMember",
      summary: "Change a member's role",
      description: "409 if no owner would be left.",
      client: "organization.changeMember",
      roles: admins,
      writes: true
    })
      .setPath(memberPath)
      .setPayload(mergePatch(ChangeMember))
      .addSuccess(MemberInfo)
      .addError(wire.NotFound)
      .addError(wire.Conflict)
  )
  .add(
    del("removeMember", "/members/:userId", {
      id: "removeMember",
      summary: "Remove a member",
      description: "Revokes the person's sessions and keys here. 409 if no owner would be left.",
      client: "organization.removeMember",
      roles: admins,
      writes: true
    })
      .setPath(memberPath)
      .addSuccess(HttpApiSchema.NoContent)
      .addError(wire.NotFound)
      .addError(wire.Conflict)
  )
  .add(
    get("export", "/export", {
      id: "exportOrganization",
      summary: "Export the organization",
      description: "All data about the organization, as JSON lines (docs/privacy.md), without values of secrets.",
      client: "organization.export",
      roles: owners,
      writes: false
    }).addSuccess(JsonLines)
  )
  .add(
    post("delete", "/deletion", {
      id: "deleteOrganization",
      summary: "Delete the organization",
      description: "Its services stop immediately; after the grace period, all of its data is erased.",
      client: "organization.delete",
      roles: owners,
      writes: true
    })
      .setPayload(DeleteOrganization)
      .addSuccess(DeletionStatus, { status: 202 })
      .addError(wire.Conflict)
  )
  .add(
    del("cancelDeletion", "/deletion", {
      id: "cancelOrganizationDeletion",
      summary: "Cancel the deletion of the organization",
      description: "Possible within its grace period.",
      client: "organization.cancelDeletion",
      roles: owners,
      writes: true
    })
      .addSuccess(HttpApiSchema.NoContent)
      .addError(wire.NotFound)
  )
  .addError(wire.Forbidden)
  .middleware(Authentication)
  .prefix("/api/v1/organization") {}
