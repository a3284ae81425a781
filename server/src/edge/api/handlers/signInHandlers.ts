import { HttpApiBuilder } from "@effect/platform"
import { MaxCloudApi } from "@maxcloud/sdk/api"
import { Effect } from "effect"
import { Accounts, Devices } from "../../../tenancy/identity/Accounts.ts"
import { Invites } from "../../../tenancy/identity/Members.ts"
import { locatedAt } from "../../http/answerHeaders.ts"
import { sessionPath } from "./authHandlers.ts"
import { inRequestLanguage } from "./requestLanguage.ts"

export const signInHandlers = HttpApiBuilder.group(MaxCloudApi, "signIn", (handlers) =>
  Effect.gen(function* () {
    const accounts = yield* Accounts
    const devices = yield* Devices
    const invites = yield* Invites
    return handlers
      .handle("register", ({ payload }) =>
        inRequestLanguage(accounts.enroll(payload)).pipe(Effect.tap(locatedAt(sessionPath)))
      )
      .handle("acceptInvite", ({ payload }) => invites.accept(payload.token).pipe(Effect.tap(locatedAt(sessionPath))))
      .handle("verify", ({ payload }) => accounts.verify(payload.token))
      .handle("startDevice", ({ payload }) => devices.start(payload.clientName))
      .handle("pollDevice", ({ payload }) => devices.poll(payload.deviceCode))
  })
)
