export { Admission, type Admitted } from './admission.service';
export { LimitsModule } from './limits.module';
