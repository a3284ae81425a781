import * as HttpApiGroup from "@effect/platform/HttpApiGroup"
import * as HttpApiSchema from "@effect/platform/HttpApiSchema"
import { Schema } from "effect"
import { Authentication } from "../authentication.ts"
import { del, deployers, deploys, get, post, reads } from "../endpoint.ts"
import { wire } from "../errors.ts"
import { LastEventId } from "../headers.ts"
import { ServiceId } from "../ids.ts"
import { LogEntry, LogParameters } from "../logs.ts"
import { CreateService, Restart, RevisionList, Service, ServiceList } from "../service.ts"

const servicePath = Schema.Struct({ id: ServiceId })

export class ServicesGroup extends HttpApiGroup.make("services")
  .add(
    post("create", "/", {
      id: "createService",
      summary: "Create a service from an image",
      description:
        "Creates an app with only this service, in the stage `production` unless `stage` says otherwise, and deploys it. `env` and `env_vars` mean the same. `PORT` in them is the service's port; a different `port` gets 422. 409 if an app of that name exists in the stage.",
      client: "services.create",
      roles: deployers,
      writes: true
    })
      .setPayload(CreateService)
      .addSuccess(Service, { status: 201 })
      .addError(wire.Conflict)
      .addError(wire.InvalidSpec)
      .addError(wire.QuotaExceeded)
  )
  .add(
    get("list", "/", {
      id: "listServices",
      summary: "List services",
      description: "The services of the organization, without those that are being deleted.",
      client: "services.list",
      ...reads("query")
    })
      .setUrlParams(ServiceList.parameters)
      .addSuccess(ServiceList.answer)
  )
  .add(
    get("get", "/:id", {
      id: "getService",
      summary: "Get a service",
      description: "The current state of the service: state, conditions, revisions, traffic, URL.",
      client: "services.get",
      ...reads("service")
    })
      .setPath(servicePath)
      .addSuccess(Service)
      .addError(wire.NotFound)
  )
  .add(
    del("delete", "/:id", {
      id: "deleteService",
      summary: "Delete a service",
      description:
        'Deploys the app without this service: `Link: <…>; rel="monitor"` names that deployment. After this response, the service is 404 and no longer listed; its instances still finish their requests. 422 if another service of the app links to it.',
      client: "services.delete",
      ...deploys("service")
    })
      .setPath(servicePath)
      .addSuccess(HttpApiSchema.NoContent)
      .addError(wire.NotFound)
      .addError(wire.InvalidSpec)
  )
  .add(
    post("pause", "/:id/pause", {
      id: "pauseService",
      summary: "Pause a service",
      description:
        "Stops its instances; requests get 503 until it's resumed, even across deployments. The call returns once new requests are refused; open ones may finish. If that takes longer than 30 seconds, it returns 503, and pausing continues. Safe to repeat. 409 while its app is suspended.",
      client: "services.pause",
      ...deploys("service")
    })
      .setPath(servicePath)
      .addSuccess(Service)
      .addError(wire.NotFound)
      .addError(wire.Conflict)
  )
  .add(
    post("resume", "/:id/resume", {
      id: "resumeService",
      summary: "Resume a service",
      description: "Returns when the service accepts requests again. Safe to repeat. 409 while its app is suspended.",
      client: "services.resume",
      ...deploys("service")
    })
      .setPath(servicePath)
      .addSuccess(Service)
      .addError(wire.NotFound)
      .addError(wire.Conflict)
  )
  .add(
    post("restart", "/:id/restart", {
      id: "restartService",
      summary: "Restart a service",
      description:
        "Starts new instances of the same program in a new revision, and stops the old ones when the new ones are ready, so that no request fails. The restart is done when the service's `latestCreatedRevision` differs from `replaces` and is ready. 409 for a service that is paused or being deleted, or while its app is suspended.",
      client: "services.restart",
      ...deploys("service")
    })
      .setPath(servicePath)
      .addSuccess(Restart, { status: 202 })
      .addError(wire.NotFound)
      .addError(wire.Conflict)
  )
  .add(
    get("exec", "/:id/exec", {
      id: "execInService",
      summary: "Run a program in an instance of a service",
      description:
        "A WebSocket (RFC 6455) with the subprotocol `v1.exec.maxcloud.dev`; the credential is in the handshake's `Authorization`. The first message is an `ExecStart` as text. After that, binary messages carry a byte for the channel (0 stdin, 1 stdout, 2 stderr) and the data, and text messages are `ExecInput` and `ExecOutput`. The program stops when the connection closes. 409 if no instance runs and none can be started, 429 if the organization has more than ten sessions, 400 without a handshake.",
      client: "services.exec",
      ...deploys("service")
    })
      .setPath(servicePath)
      .addSuccess(HttpApiSchema.Empty(101))
      .addError(wire.NotFound)
      .addError(wire.Conflict)
  )
  .add(
    get("openPort", "/:id/port", {
      id: "openPort",
      summary: "Connect to a port of an instance",
      description:
        "A WebSocket (RFC 6455) with the subprotocol `v1.port.maxcloud.dev`, which carries one TCP connection; the credential is in the handshake's `Authorization`. The first message is a `PortStart` as text. After `connected`, binary messages are data in both directions, and text messages are `PortInput` and `PortOutput`. Neither side sends more than 1 MiB that the other hasn't acknowledged with `taken`. On Kubernetes every port of the program can be reached, but none of Knative's sidecar; locally the service's port and those that its image exposes. The audit log records the start, and the end with the number of bytes. 409 if no instance runs and none can be started, 429 if the organization has more than 100 connections, 400 without a handshake.",
      client: "services.openPort",
      ...deploys("service")
    })
      .setPath(servicePath)
      .addSuccess(HttpApiSchema.Empty(101))
      .addError(wire.NotFound)
      .addError(wire.Conflict)
  )
  .add(
    get("revisions", "/:id/revisions", {
      id: "listRevisions",
      summary: "List the revisions of a service",
      description: "Newest first.",
      client: "services.revisions",
      ...reads("service")
    })
      .setPath(servicePath)
      .setUrlParams(RevisionList.parameters)
      .addSuccess(RevisionList.answer)
      .addError(wire.NotFound)
  )
  .add(
    get("logs", "/:id/logs", {
      id: "listLogs",
      summary: "Read the logs of a service",
      description:
        "Lines from the oldest to the newest: the last 100, those from `since` on, or those after `cursor`. If there are more, follow the `Link`. Each line has a `cursor`. Send the last one later to get the lines written since, without losing or duplicating any. With `Accept: text/event-stream`, `follow=true` or `Last-Event-ID`, the response is a stream: `event: log` with a line and its cursor as id, or with `batched=true` `event: logs` with several lines and the last one's cursor as id; a comment every 10 seconds; `event: end` after the last line unless `follow=true`. An error after the first byte comes as `event: error` with a problem document.",
      client: "logs",
      ...reads("service")
    })
      .setPath(servicePath)
      .setUrlParams(LogParameters)
      .setHeaders(LastEventId)
      .addSuccess(Schema.Array(LogEntry))
      .addError(wire.NotFound)
  )
  .middleware(Authentication)
  .prefix("/api/v1/services") {}
