import * as HttpApiGroup from "@effect/platform/HttpApiGroup"
import * as HttpApiSchema from "@effect/platform/HttpApiSchema"
import { Schema } from "effect"
import { Authentication } from "../authentication.ts"
import { mergePatch } from "../bodies.ts"
import { admins, del, get, patch, post } from "../endpoint.ts"
import { wire } from "../errors.ts"
import { WebhookDeliveryId, WebhookId } from "../ids.ts"
import {
  ChangeWebhook,
  CreateWebhook,
  DeliveryList,
  NewWebhook,
  RotateWebhookSecret,
  WebhookDelivery,
  WebhookInfo,
  WebhookList
} from "../webhooks.ts"

const webhookPath = Schema.Struct({ id: WebhookId })
const deliveryPath = Schema.Struct({ id: WebhookId, delivery: WebhookDeliveryId })

export class WebhooksGroup extends HttpApiGroup.make("webhooks")
  .add(
    get("list", "/", {
      id: "listWebhooks",
      summary: "List webhooks",
      description: "The URLs that events are sent to, oldest first. Responses never contain a secret.",
      client: "webhooks.list",
      roles: admins,
      writes: false
    })
      .setUrlParams(WebhookList.parameters)
      .addSuccess(WebhookList.answer)
  )
  .add(
    post("create", "/", {
      id: "createWebhook",
      summary: "Add a webhook",
      description:
        "Sends events to an https URL of the public internet, signed with the secret in the response (Standard Webhooks). 409 if the organization has reached its limit.",
      client: "webhooks.create",
      roles: admins,
      writes: true
    })
      .setPayload(CreateWebhook)
      .addSuccess(NewWebhook, { status: 201 })
      .addError(wire.Conflict)
      .addError(wire.Forbidden)
  )
  .add(
    get("get", "/:id", {
      id: "getWebhook",
      summary: "Get a webhook",
      description: "Its URL, the types that it receives, and whether it fails.",
      client: "webhooks.get",
      roles: admins,
      writes: false
    })
      .setPath(webhookPath)
      .addSuccess(WebhookInfo)
      .addError(wire.NotFound)
  )
  .add(
    patch("change", "/:id", {
      id: "updateWebhook",
      summary: "Change a webhook",
      description:
        "Its URL, types and description, or whether it is enabled. null resets types and description to their defaults.",
      client: "webhooks.change",
      roles: admins,
      writes: true
    })
      .setPath(webhookPath)
      .setPayload(mergePatch(ChangeWebhook))
      .addSuccess(WebhookInfo)
      .addError(wire.NotFound)
      .addError(wire.Forbidden)
  )
  .add(
    del("delete", "/:id", {
      id: "deleteWebhook",
      summary: "Delete a webhook",
      description: "Also deletes its deliveries. Nothing is sent any more.",
      client: "webhooks.delete",
      roles: admins,
      writes: true
    })
      .setPath(webhookPath)
      .addSuccess(HttpApiSchema.NoContent)
      .addError(wire.NotFound)
  )
  .add(
    post("rotateSecret", "/:id/rotate-secret", {
      id: "rotateWebhookSecret",
      summary: "Rotate a webhook's secret",
      description:
        "Every secret that is still valid signs deliveries, so that no receiver rejects any. 409 if five are: the problem says when the oldest expires. With `overlapSeconds: 0`, all former secrets end at once.",
      client: "webhooks.rotateSecret",
      roles: admins,
      writes: true
    })
      .setPath(webhookPath)
      .setPayload(RotateWebhookSecret)
      .addSuccess(NewWebhook, { status: 201 })
      .addError(wire.NotFound)
      .addError(wire.Conflict)
  )
  .add(
    post("test", "/:id/test", {
      id: "testWebhook",
      summary: "Test a webhook",
      description: "Sends it the event `webhook.test`. 409 if it's disabled.",
      client: "webhooks.test",
      roles: admins,
      writes: true
    })
      .setPath(webhookPath)
      .addSuccess(WebhookDelivery, { status: 202 })
      .addError(wire.NotFound)
      .addError(wire.Conflict)
  )
  .add(
    get("deliveries", "/:id/deliveries", {
      id: "listWebhookDeliveries",
      summary: "List deliveries",
      description: "Newest first. Deliveries are stored as long as their events.",
      client: "webhooks.deliveries",
      roles: admins,
      writes: false
    })
      .setPath(webhookPath)
      .setUrlParams(DeliveryList.parameters)
      .addSuccess(DeliveryList.answer)
      .addError(wire.NotFound)
  )
  .add(
    post("redeliver", "/:id/deliveries/:delivery/redeliver", {
      id: "redeliverWebhookDelivery",
      summary: "Redeliver an event",
      description:
        "Sends it again, regardless of its outcome, with the same `webhook-id`. 409 if the webhook is disabled.",
      client: "webhooks.redeliver",
      roles: admins,
      writes: true
    })
      .setPath(deliveryPath)
      .addSuccess(WebhookDelivery, { status: 202 })
      .addError(wire.NotFound)
      .addError(wire.Conflict)
  )
  .middleware(Authentication)
  .prefix("/api/v1/webhooks") {}
