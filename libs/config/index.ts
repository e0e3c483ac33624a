export { ConfigModule } from './config.module';
export { Settings } from './settings';
export { readSettings, SettingsError } from './settings.reader';
export type { TraceSampler } from './trace.sampler';
export { type SettingVariable, settingVariables } from './variable.decorator';
