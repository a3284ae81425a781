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
      description: "The organization's rules that every app must follow.",
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
        "Adds or replaces a rule in CEL, for plans and deployments from now on, and returns its findings in the deployed apps. An expression with `service` is evaluated for each service, any other once per app. 400 if it isn't valid CEL, 409 if the organization has reached its limit of policies.",
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
      description: "It no longer applies to plans and deployments.",
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
        "Evaluates an expression for an AppSpec, without storing either. 400 if the expression isn't valid CEL, 422 if the AppSpec can't be read.",
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
