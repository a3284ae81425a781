import { HttpApiGroup } from "@effect/platform"
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

/** Ways to get a credential, so these endpoints need none. Rate-limited by address and by account. */
export class SignInGroup extends HttpApiGroup.make("signIn")
  .add(
    post("register", "/register", {
      id: "register",
      summary: "Register",
      description:
        "Asks for an account, and an organization that it owns. 202: mail is on its way to the address. Its link makes both; where the address has an account already, the mail says how to sign in, and this answer is the same. 201, with a session at once: with a bootstrap token, and at servers whose mail goes to their own log.",
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
      description: "Makes the account where there is none; the invite's mail proves its address.",
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
        "By the token that was mailed. Makes the account where that was asked for by mail; 409: the organization's name was taken since.",
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
      summary: "Begin a device authorization",
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
      description: "Gives the session once, when it was confirmed.",
      client: "auth.pollDevice",
      ...open
    })
      .setPayload(DevicePoll)
      .addSuccess(DeviceProgress)
  )
  .addError(wire.TooManyRequests)
  .prefix("/api/v1/auth") {}
