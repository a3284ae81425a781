import * as HttpApiGroup from "@effect/platform/HttpApiGroup"
import { Schema } from "effect"
import { CreateOrganization, SessionGrant } from "../auth.ts"
import { Authentication } from "../authentication.ts"
import { JsonLines } from "../bodies.ts"
import { everyone, get, open, post } from "../endpoint.ts"
import { wire } from "../errors.ts"
import { ErasureCertificate } from "../organization.ts"

/** Data stored about the signed-in person, independent of the organization. */
export class AccountGroup extends HttpApiGroup.make("account")
  .add(
    post("createOrganization", "/organizations", {
      id: "createOrganization",
      summary: "Create an organization",
      description:
        "The signed-in person owns it; the response is a session for it. 403 if registration is by invite only.",
      client: "account.createOrganization",
      roles: everyone,
      writes: true,
      about: "person"
    })
      .setPayload(CreateOrganization)
      .addSuccess(SessionGrant, { status: 201 })
      .addError(wire.Conflict)
  )
  .add(
    get("export", "/export", {
      id: "exportAccount",
      summary: "Export the account",
      description: "All data about the signed-in person, as JSON lines.",
      client: "account.export",
      roles: everyone,
      writes: false,
      about: "person",
      unverified: true
    }).addSuccess(JsonLines)
  )
  .add(
    post("delete", "/deletion", {
      id: "deleteAccount",
      summary: "Delete the account",
      description:
        "Immediately erases the person in every store. The response is the certificate, which `Location` names. 409 if an organization would be left without an owner.",
      client: "account.delete",
      roles: everyone,
      writes: true,
      about: "person",
      unverified: true
    })
      .addSuccess(ErasureCertificate, { status: 201 })
      .addError(wire.Conflict)
  )
  .addError(wire.Forbidden)
  .middleware(Authentication)
  .prefix("/api/v1/account") {}

/** Anybody with a certificate's id can read it, because after the erasure no credential is left. */
export class ErasuresGroup extends HttpApiGroup.make("erasures")
  .add(
    get("get", "/api/v1/erasures/:id", {
      id: "getErasureCertificate",
      summary: "Get a certificate of erasure",
      description: "Looks up a certificate by its unguessable id. It contains no names.",
      client: "erasures.get",
      ...open
    })
      .setPath(
        Schema.Struct({
          id: Schema.String.pipe(
            Schema.pattern(/^era_[0-9a-f]{32}$/, {
              message: () => 'Use the id of a certificate: "era_" and 32 hexadecimal digits.'
            })
          )
        })
      )
      .addSuccess(ErasureCertificate)
      .addError(wire.NotFound)
  )
  .addError(wire.TooManyRequests) {}
