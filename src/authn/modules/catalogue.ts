import type { ModuleConfig } from '../chains.schema.ts'
import type { AuthModule, AuthModuleDeps, AuthModuleType } from './module.ts'
import { deviceModule } from './device.ts'
import { passwordModule } from './password.ts'
import { emailModule, smsModule } from './message-code.ts'
import { recoveryModule } from './recovery.ts'
import { totpModule } from './totp.ts'
import { externalJwtModule } from './external-jwt.ts'
import { webauthnModule } from './webauthn/webauthn.ts'
import { x509Module } from './x509/x509.ts'

/** Every type of module there is, by the name that configurations use. */
const MODULE_TYPES: { readonly [T in ModuleConfig['type']]: AuthModuleType<ModuleConfig & { readonly type: T }> } = {
  password: passwordModule,
  totp: totpModule,
  x509: x509Module,
  externalJwt: externalJwtModule,
  recovery: recoveryModule,
  email: emailModule,
  sms: smsModule,
  webauthn: webauthnModule,
  device: deviceModule,
}

export function compileModule(name: string, config: ModuleConfig, deps: AuthModuleDeps): AuthModule {
  const type = MODULE_TYPES[config.type] as AuthModuleType<ModuleConfig>
  return type.compile(name, config, deps)
}
