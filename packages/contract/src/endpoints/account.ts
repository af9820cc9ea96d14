import Type from 'typebox'
import { interfaceVersion } from '../version.ts'
import { endpoint } from './endpoint.ts'
import { data, flag, json, natural, nothing, nullable, nullableText, text, texts, words } from './parts.ts'

const authorization = Type.Union([
  Type.Object({
    type: Type.Literal('code'),
    client_id: text,
    redirect_uri: Type.Optional(nullableText),
    nonce: Type.Optional(nullableText),
    code_challenge: Type.Optional(nullableText),
    /** The other method of RFC 7636 protects nothing that a listener has not got. */
    code_challenge_method: Type.Optional(nullable(words('S256'))),
    scope: Type.Optional(nullableText),
  }),
  Type.Object({ type: Type.Literal('device'), code: text }),
])

const authorized = Type.Union([
  Type.Object({
    code: text,
    permissions: texts,
    version: Type.String({ description: `Version of the interface; clients demand ${interfaceVersion} or later.` }),
    isEnterprise: flag,
  }),
  flag,
])

export const authorizeClient = endpoint({
  id: 'authorizeClient',
  method: 'ANY',
  path: '/api/oauth',
  access: 'authenticate-oauth',
  impact: 'write',
  body: json(authorization),
  output: data(authorized),
  errors: ['invalidParameters', 'other'],
  summary: 'Let an OAuth client in: get an authorization code, or approve a device',
  doc: 'With the type `device` the answer tells whether a device with exactly this code was waiting.',
})

const authChange = Type.Union(
  [
    Type.Object({ type: Type.Literal('setPassword'), password: text }),
    Type.Object({ type: Type.Literal('enableOtpAuth'), url: text }),
    Type.Object({ type: Type.Literal('disableOtpAuth'), url: Type.Optional(nullableText) }),
    Type.Object({ type: Type.Literal('addAppPassword'), name: text, password: text }),
    Type.Object({ type: Type.Literal('removeAppPassword'), name: Type.Optional(nullableText) }),
  ],
  { title: 'AccountAuthChange' },
)

export const getAccountAuth = endpoint({
  id: 'getAccountAuth',
  method: 'GET',
  path: '/api/account/auth',
  access: 'manage-passwords',
  impact: 'read',
  output: data(Type.Object({ otpEnabled: flag, appPasswords: texts })),
  errors: ['unsupported'],
  summary: 'See how the own account logs in',
})

export const updateAccountAuth = endpoint({
  id: 'updateAccountAuth',
  method: 'POST',
  path: '/api/account/auth',
  access: 'manage-passwords',
  impact: 'write',
  body: json(Type.Array(authChange, { minItems: 1 })),
  output: nothing,
  errors: ['invalidParameters', 'unsupported', 'other'],
  summary: 'Change password, second factor and app passwords of the own account',
  doc: 'Password and second factor can be changed by callers that log in with HTTP Basic only. Null removes every URL or app password.',
})

const certificates = { algo: words('Aes128', 'Aes256'), certs: text } as const

const encryption = Type.Union(
  [
    Type.Object({ type: Type.Literal('disabled') }),
    Type.Object({ type: Type.Literal('pGP'), ...certificates }),
    Type.Object({ type: Type.Literal('sMIME'), ...certificates }),
  ],
  { title: 'EncryptionAtRest' },
)

export const getAccountCrypto = endpoint({
  id: 'getAccountCrypto',
  method: 'GET',
  path: '/api/account/crypto',
  access: 'manage-encryption',
  impact: 'read',
  output: data(encryption),
  summary: 'See how mail of the own account is encrypted',
})

export const updateAccountCrypto = endpoint({
  id: 'updateAccountCrypto',
  method: 'POST',
  path: '/api/account/crypto',
  access: 'manage-encryption',
  impact: 'write',
  body: json(encryption),
  output: data(nullable(natural)),
  errors: ['invalidParameters', 'unsupported', 'other'],
  summary: 'Set how mail of the own account is encrypted',
  doc: 'Gives the number of certificates, or null when encryption was switched off. Mail that is already stored stays as it is.',
})
