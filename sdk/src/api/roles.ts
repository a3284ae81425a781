import { AppName, quoted, StageName, textUpTo } from "@maxcloud/config-schema"
import { Schema } from "effect"

/**
 * The permissions of an organization's member. `owner`: everything. `admin`: everything except deleting the organization or changing its
 * owners. `deployer`: deploys, sets secrets, pauses. `viewer`: reads. `billing`: reads only usage and quotas.
 */
export const Role = Schema.Literal("owner", "admin", "deployer", "viewer", "billing").annotations({
  identifier: "Role"
})
export type Role = typeof Role.Type

const pattern = /^(deploy|read):([^/]+)\/([^/]+)$/
const isApp = Schema.is(AppName)
const isStage = Schema.is(StageName)

/**
 * A restriction of a key: `deploy:shop/production`, or `read:shop/*` (any stage of the app). `deploy` includes `read`, and the secrets of
 * the app and stage.
 */
export const KeyScope = textUpTo(100, "The scope")
  .pipe(
    Schema.filter(
      (written) => {
        const [, , app = "", stage = ""] = pattern.exec(written) ?? []
        return (
          (isApp(app) && (stage === "*" || isStage(stage))) ||
          `${quoted(written)} isn't a valid scope. Use "deploy:APP/STAGE" or "read:APP/STAGE", with "*" for any stage.`
        )
      },
      { jsonSchema: { pattern: "^(deploy|read):[a-z][-a-z0-9]*/([a-z][-a-z0-9]*|\\*)$" } }
    ),
    Schema.brand("KeyScope")
  )
  .annotations({ identifier: "KeyScope" })
export type KeyScope = typeof KeyScope.Type

/** The app and stage that a scope can read, as every scope can; `*` means any stage. */
export const placeOfScope = (scope: KeyScope): { readonly app: string; readonly stage: string } => {
  const [, , app = "", stage = ""] = pattern.exec(scope) ?? []
  return { app, stage }
}

export type ScopeVerb = "deploy" | "read"

/** Whether the scope allows `verb` on this app and stage. */
export const scopeOpens = (scope: KeyScope, verb: ScopeVerb, app: string, stage: string): boolean => {
  const [, given, ownApp, ownStage] = pattern.exec(scope) ?? []
  return (given === "deploy" || given === verb) && ownApp === app && (ownStage === "*" || ownStage === stage)
}
