import * as HttpApiGroup from "@effect/platform/HttpApiGroup"
import * as HttpApiSchema from "@effect/platform/HttpApiSchema"
import { Schema } from "effect"
import {
  ApiKeyList,
  AuthStatus,
  CreateApiKey,
  CreateInvite,
  CreateOidcTrust,
  InviteInfo,
  InviteList,
  NewApiKey,
  OidcTrustInfo,
  OidcTrustList,
  RotateApiKey,
  SessionGrant,
  SwitchOrganization
} from "../auth.ts"
import { Authentication } from "../authentication.ts"
import { admins, del, everyone, get, post } from "../endpoint.ts"
import { wire } from "../errors.ts"
import { ApiKeyId, InviteId, OidcTrustId } from "../ids.ts"

const apiKeyPath = Schema.Struct({ id: ApiKeyId })

/** The caller's own credential, and the organization's credentials. */
export class AuthGroup extends HttpApiGroup.make("auth")
  .add(
    get("status", "/status", {
      id: "getAuthStatus",
      summary: "Get the current caller",
      description: "The credential, its organization and role, and the person behind it.",
      client: "auth.status",
      roles: everyone,
      writes: false,
      scope: { verb: "read", at: "organization" },
      unverified: true
    }).addSuccess(AuthStatus)
  )
  .add(
    post("signOut", "/sign-out", {
      id: "signOut",
      summary: "Sign out",
      description: "Ends the session of the request. 403 for other credentials.",
      client: "auth.signOut",
      roles: everyone,
      writes: true,
      about: "person",
      unverified: true
    }).addSuccess(HttpApiSchema.NoContent)
  )
  .add(
    post("switchOrganization", "/switch", {
      id: "switchOrganization",
      summary: "Switch the organization",
      description: "A session for another organization that the person is a member of.",
      client: "auth.switchOrganization",
      roles: everyone,
      writes: true,
      about: "person",
      unverified: true
    })
      .setPayload(SwitchOrganization)
      .addSuccess(SessionGrant, { status: 201 })
      .addError(wire.NotFound)
  )
  .add(
    post("resendVerification", "/resend-verification", {
      id: "resendVerification",
      summary: "Send the mail again",
      description: "Sends the mail that confirms the signed-in person's address.",
      client: "auth.resendVerification",
      roles: everyone,
      writes: true,
      about: "person",
      unverified: true
    }).addSuccess(HttpApiSchema.NoContent, { status: 202 })
  )
  .add(
    get("apiKeys", "/api-keys", {
      id: "listApiKeys",
      summary: "List API keys",
      description: "Newest first, without their secret parts.",
      client: "auth.apiKeys.list",
      roles: everyone,
      writes: false,
      unverified: true
    })
      .setUrlParams(ApiKeyList.parameters)
      .addSuccess(ApiKeyList.answer)
  )
  .add(
    post("createApiKey", "/api-keys", {
      id: "createApiKey",
      summary: "Create an API key",
      description: "Only this response contains its secret part. A key never has more rights than its creator.",
      client: "auth.apiKeys.create",
      roles: everyone,
      writes: true,
      unverified: true
    })
      .setPayload(CreateApiKey)
      .addSuccess(NewApiKey, { status: 201 })
  )
  .add(
    post("rotateApiKey", "/api-keys/:id/rotate", {
      id: "rotateApiKey",
      summary: "Rotate an API key",
      description: "Creates a key with the same rights; the old one keeps working for `overlapSeconds`.",
      client: "auth.apiKeys.rotate",
      roles: everyone,
      writes: true,
      unverified: true
    })
      .setPath(apiKeyPath)
      .setPayload(RotateApiKey)
      .addSuccess(NewApiKey, { status: 201 })
      .addError(wire.NotFound)
  )
  .add(
    del("deleteApiKey", "/api-keys/:id", {
      id: "deleteApiKey",
      summary: "Delete an API key",
      description:
        "It stops working immediately, and so do the keys that it created (`createdWith`), and the keys that those created.",
      client: "auth.apiKeys.delete",
      roles: everyone,
      writes: true,
      unverified: true
    })
      .setPath(apiKeyPath)
      .addSuccess(HttpApiSchema.NoContent)
      .addError(wire.NotFound)
  )
  .add(
    get("invites", "/invites", {
      id: "listInvites",
      summary: "List invites",
      description: "Newest first.",
      client: "auth.invites.list",
      roles: admins,
      writes: false
    })
      .setUrlParams(InviteList.parameters)
      .addSuccess(InviteList.answer)
  )
  .add(
    post("createInvite", "/invites", {
      id: "createInvite",
      summary: "Invite somebody",
      description: "Sends a mail with a link. An inviter can't grant more than their own role.",
      client: "auth.invites.create",
      roles: admins,
      writes: true
    })
      .setPayload(CreateInvite)
      .addSuccess(InviteInfo, { status: 201 })
      .addError(wire.Conflict)
  )
  .add(
    del("revokeInvite", "/invites/:id", {
      id: "revokeInvite",
      summary: "Revoke an invite",
      description: "Its link stops working immediately.",
      client: "auth.invites.revoke",
      roles: admins,
      writes: true
    })
      .setPath(Schema.Struct({ id: InviteId }))
      .addSuccess(HttpApiSchema.NoContent)
      .addError(wire.NotFound)
  )
  .add(
    get("oidcTrusts", "/oidc-trusts", {
      id: "listOidcTrusts",
      summary: "List OIDC trusts",
      description: "The issuers whose tokens may act for the organization, and with which role.",
      client: "auth.oidcTrusts.list",
      roles: admins,
      writes: false
    })
      .setUrlParams(OidcTrustList.parameters)
      .addSuccess(OidcTrustList.answer)
  )
  .add(
    post("createOidcTrust", "/oidc-trusts", {
      id: "createOidcTrust",
      summary: "Trust an OIDC issuer",
      description:
        "Its tokens for the audience `maxcloud/<organization>` with these claims get this role and these scopes, so CI needs no stored key.",
      client: "auth.oidcTrusts.create",
      roles: admins,
      writes: true
    })
      .setPayload(CreateOidcTrust)
      .addSuccess(OidcTrustInfo, { status: 201 })
      .addError(wire.Conflict)
  )
  .add(
    del("deleteOidcTrust", "/oidc-trusts/:id", {
      id: "deleteOidcTrust",
      summary: "Delete an OIDC trust",
      description: "Its tokens stop working immediately.",
      client: "auth.oidcTrusts.delete",
      roles: admins,
      writes: true
    })
      .setPath(Schema.Struct({ id: OidcTrustId }))
      .addSuccess(HttpApiSchema.NoContent)
      .addError(wire.NotFound)
  )
  .addError(wire.Forbidden)
  .middleware(Authentication)
  .prefix("/api/v1/auth") {}
