import * as HttpApiGroup from "@effect/platform/HttpApiGroup"
import { AuditList } from "../audit.ts"
import { Authentication } from "../authentication.ts"
import { JsonLines } from "../bodies.ts"
import { admins, get } from "../endpoint.ts"

export class AuditGroup extends HttpApiGroup.make("audit")
  .add(
    get("list", "/", {
      id: "listAuditEntries",
      summary: "List the audit log",
      description: "Newest first: each write, and each refused attempt.",
      client: "audit.list",
      roles: admins,
      writes: false
    })
      .setUrlParams(AuditList.parameters)
      .addSuccess(AuditList.answer)
  )
  .add(
    get("export", "/export", {
      id: "exportAuditLog",
      summary: "Export the audit log",
      description:
        "The complete hash chain as JSON lines, with signed checkpoints. `maxcloud audit verify` checks it offline.",
      client: "audit.export",
      roles: admins,
      writes: false
    }).addSuccess(JsonLines)
  )
  .middleware(Authentication)
  .prefix("/api/v1/audit") {}
