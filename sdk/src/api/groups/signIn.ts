import * as HttpApiGroup from "@effect/platform/HttpApiGroup"
import {
  AcceptInvite,
  DeviceCodes,
  DevicePoll,
  DeviceProgress,
  DeviceStart,
  Registration,
  RegistrationMailed,
  SessionGrant,
  UserInfo,
  VerifyEmail
} from "../auth.ts"
import { open, post, signsIn } from "../endpoint.ts"
import { wire } from "../errors.ts"

/** These endpoints issue credentials, so they need none. Rate-limited by address and by account. */
export class SignInGroup extends HttpApiGroup.make("signIn")
  .add(
    post("register", "/register", {
      id: "register",
      summary: "Register",
      description:
        "Requests an account and an organization that it owns. 202: the server sends a mail, and its link creates both. If the address already has an account, the mail says how to sign in, and this response is the same. 201 with a session immediately if the request has a bootstrap token, or the server writes its mails to its log.",
      client: "auth.register",
      ...signsIn
    })
      .setPayload(Registration)
      .addSuccess(SessionGrant, { status: 201 })
      .addSuccess(RegistrationMailed, { status: 202 })
      .addError(wire.Conflict)
      .addError(wire.Forbidden)
  )
  .add(
    post("acceptInvite", "/accept-invite", {
      id: "acceptInvite",
      summary: "Accept an invite",
      description: "Creates the account if needed. The invite's mail proves the address.",
      client: "auth.acceptInvite",
      ...signsIn
    })
      .setPayload(AcceptInvite)
      .addSuccess(SessionGrant, { status: 201 })
      .addError(wire.NotFound)
  )
  .add(
    post("verify", "/verify", {
      id: "verifyEmail",
      summary: "Confirm an address",
      description:
        "With the mailed token. Creates the account if it was requested by mail. 409 if the organization's name has been taken in the meantime.",
      client: "auth.verify",
      ...signsIn
    })
      .setPayload(VerifyEmail)
      .addSuccess(UserInfo)
      .addError(wire.Conflict)
      .addError(wire.NotFound)
  )
  .add(
    post("startDevice", "/device", {
      id: "startDeviceSignIn",
      summary: "Start a device authorization",
      description: "RFC 8628: show the user code, open the page, poll `POST /api/v1/auth/device/token`.",
      client: "auth.startDevice",
      ...signsIn
    })
      .setPayload(DeviceStart)
      .addSuccess(DeviceCodes)
  )
  .add(
    post("pollDevice", "/device/token", {
      id: "pollDeviceSignIn",
      summary: "Poll a device authorization",
      description: "Returns the session once after confirmation.",
      client: "auth.pollDevice",
      ...open
    })
      .setPayload(DevicePoll)
      .addSuccess(DeviceProgress)
  )
  .addError(wire.TooManyRequests)
  .prefix("/api/v1/auth") {}
