import * as HttpApiGroup from "@effect/platform/HttpApiGroup"
import * as HttpApiSchema from "@effect/platform/HttpApiSchema"
import { Schema } from "effect"
import { Authentication } from "../authentication.ts"
import { del, deployers, get, owners, post, put, readers } from "../endpoint.ts"
import { wire } from "../errors.ts"
import { PolicyChange, PolicyInfo, PolicyList, PolicyName, PolicyTrial, SetPolicy, TryPolicy } from "../policies.ts"

const policyPath = Schema.Struct({ name: PolicyName })

export class PoliciesGroup extends HttpApiGroup.make("policies")
  .add(
    get("list", "/policies", {
      id: "listPolicies",
      summary: "List policies",
      description: "The rules of the organization that every app must keep.",
      client: "policies.list",
      roles: readers,
      writes: false
    })
      .setUrlParams(PolicyList.parameters)
      .addSuccess(PolicyList.answer)
  )
  .add(
    get("get", "/policies/:name", {
      id: "getPolicy",
      summary: "Get a policy",
      description: "Its expression, its message, and whether it refuses or warns.",
      client: "policies.get",
      roles: readers,
      writes: false
    })
      .setPath(policyPath)
      .addSuccess(PolicyInfo)
      .addError(wire.NotFound)
  )
  .add(
    put("set", "/policies/:name", {
      id: "setPolicy",
      summary: "Set a policy",
      description:
        "Adds or replaces a rule in CEL, for plans and deployments from now on, and tells what it finds in the apps that are deployed. An expression without `service` is asked once for an app, one with it for each service. 400: it isn't valid CEL. 409: the organization has as many policies as it may.",
      client: "policies.set",
      roles: owners,
      writes: true
    })
      .setPath(policyPath)
      .setPayload(SetPolicy)
      .addSuccess(PolicyChange)
      .addError(wire.Conflict)
  )
  .add(
    del("remove", "/policies/:name", {
      id: "deletePolicy",
      summary: "Delete a policy",
      description: "Plans and deployments from now on don't ask it.",
      client: "policies.remove",
      roles: owners,
      writes: true
    })
      .setPath(policyPath)
      .addSuccess(HttpApiSchema.NoContent)
      .addError(wire.NotFound)
  )
  .add(
    post("test", "/policies-test", {
      id: "testPolicy",
      summary: "Try an expression",
      description:
        "Asks an expression about an AppSpec, without keeping either. 400: the expression isn't valid CEL. 422: the AppSpec can't be read.",
      client: "policies.test",
      json: "spec",
      roles: deployers,
      writes: false
    })
      .setPayload(TryPolicy)
      .addSuccess(PolicyTrial)
      .addError(wire.InvalidSpec)
  )
  .middleware(Authentication)
  .prefix("/api/v1") {}
