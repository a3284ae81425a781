import * as HttpApiGroup from "@effect/platform/HttpApiGroup"
import { Schema } from "effect"
import { Authentication } from "../authentication.ts"
import { EventStream } from "../bodies.ts"
import { Deployment } from "../deployment.ts"
import { get, reads } from "../endpoint.ts"
import { wire } from "../errors.ts"
import { LastEventId } from "../headers.ts"
import { DeploymentId } from "../ids.ts"

const deploymentPath = Schema.Struct({ id: DeploymentId })

export class DeploymentsGroup extends HttpApiGroup.make("deployments")
  .add(
    get("get", "/:id", {
      id: "getDeployment",
      summary: "Get a deployment",
      description: "Its state and the status of each service.",
      client: "deployments.get",
      ...reads("deployment")
    })
      .setPath(deploymentPath)
      .addSuccess(Deployment)
      .addError(wire.NotFound)
  )
  .add(
    get("events", "/:id/events", {
      id: "streamDeploymentEvents",
      summary: "Follow a deployment",
      description:
        "Server-sent events: `event: deployment` with a `DeploymentEvent` as data and its number as id, from the first (or after `Last-Event-ID`). The stream ends after the event of type `finished`. A comment every 10 seconds; errors after the first byte are sent as `event: error` with a problem document.",
      client: "deployments.events",
      ...reads("deployment")
    })
      .setPath(deploymentPath)
      .setHeaders(LastEventId)
      .addSuccess(EventStream)
      .addError(wire.NotFound)
  )
  .middleware(Authentication)
  .prefix("/api/v1/deployments") {}
