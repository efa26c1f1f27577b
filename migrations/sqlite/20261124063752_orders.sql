-- atlas:delimiter \n\n

-- Drop index "appointment_time_slot" from table: "appointments"
DROP INDEX `appointment_time_slot`


-- Create index "appointment_created_at_id" to table: "appointments"
CREATE INDEX `appointment_created_at_id` ON `appointments` (`created_at`, `id`)


-- Create index "appointment_updated_at_id" to table: "appointments"
CREATE INDEX `appointment_updated_at_id` ON `appointments` (`updated_at`, `id`)


-- Create index "appointment_version_id" to table: "appointments"
CREATE INDEX `appointment_version_id` ON `appointments` (`version`, `id`)


-- Create index "appointment_provider_id_id" to table: "appointments"
CREATE INDEX `appointment_provider_id_id` ON `appointments` (`provider_id`, `id`)


-- Create index "appointment_time_slot_id" to table: "appointments"
CREATE INDEX `appointment_time_slot_id` ON `appointments` (`time_slot`, `id`)


-- Create index "appointment_ends_at_id" to table: "appointments"
CREATE INDEX `appointment_ends_at_id` ON `appointments` (`ends_at`, `id`)


-- Create index "appointment_status_id" to table: "appointments"
CREATE INDEX `appointment_status_id` ON `appointments` (`status`, `id`)


-- Create index "customer_created_at_id" to table: "clients"
CREATE INDEX `customer_created_at_id` ON `clients` (`created_at`, `id`)


-- Create index "customer_updated_at_id" to table: "clients"
CREATE INDEX `customer_updated_at_id` ON `clients` (`updated_at`, `id`)


-- Create index "customer_version_id" to table: "clients"
CREATE INDEX `customer_version_id` ON `clients` (`version`, `id`)


-- Create index "customer_first_name_id" to table: "clients"
CREATE INDEX `customer_first_name_id` ON `clients` (`first_name`, `id`)


-- Create index "customer_last_name_id" to table: "clients"
CREATE INDEX `customer_last_name_id` ON `clients` (`last_name`, `id`)


-- Create index "provider_created_at_id" to table: "providers"
CREATE INDEX `provider_created_at_id` ON `providers` (`created_at`, `id`)


-- Create index "provider_updated_at_id" to table: "providers"
CREATE INDEX `provider_updated_at_id` ON `providers` (`updated_at`, `id`)


-- Create index "provider_version_id" to table: "providers"
CREATE INDEX `provider_version_id` ON `providers` (`version`, `id`)


-- Create index "provider_first_name_id" to table: "providers"
CREATE INDEX `provider_first_name_id` ON `providers` (`first_name`, `id`)


-- Create index "provider_last_name_id" to table: "providers"
CREATE INDEX `provider_last_name_id` ON `providers` (`last_name`, `id`)


-- Create index "provider_time_zone_id" to table: "providers"
CREATE INDEX `provider_time_zone_id` ON `providers` (`time_zone`, `id`)


-- Create index "reservation_state_id" to table: "reservations"
CREATE INDEX `reservation_state_id` ON `reservations` (`state`, `id`)


-- Create index "reservation_state_expiry" to table: "reservations"
CREATE INDEX `reservation_state_expiry` ON `reservations` (`state`, `expiry`)


-- Create index "reservation_created_at_id" to table: "reservations"
CREATE INDEX `reservation_created_at_id` ON `reservations` (`created_at`, `id`)


-- Create index "reservation_updated_at_id" to table: "reservations"
CREATE INDEX `reservation_updated_at_id` ON `reservations` (`updated_at`, `id`)


-- Create index "reservation_version_id" to table: "reservations"
CREATE INDEX `reservation_version_id` ON `reservations` (`version`, `id`)


-- Create index "reservation_client_id_id" to table: "reservations"
CREATE INDEX `reservation_client_id_id` ON `reservations` (`client_id`, `id`)


-- Create index "reservation_appointment_id_id" to table: "reservations"
CREATE INDEX `reservation_appointment_id_id` ON `reservations` (`appointment_id`, `id`)


-- Create index "reservation_provider_id_id" to table: "reservations"
CREATE INDEX `reservation_provider_id_id` ON `reservations` (`provider_id`, `id`)


-- Create index "reservation_time_slot_id" to table: "reservations"
CREATE INDEX `reservation_time_slot_id` ON `reservations` (`time_slot`, `id`)


-- Create index "reservation_ends_at_id" to table: "reservations"
CREATE INDEX `reservation_ends_at_id` ON `reservations` (`ends_at`, `id`)


-- Create index "reservation_expiry_id" to table: "reservations"
CREATE INDEX `reservation_expiry_id` ON `reservations` (`expiry`, `id`)


-- Create index "reservation_confirmed_at_id" to table: "reservations"
CREATE INDEX `reservation_confirmed_at_id` ON `reservations` (`confirmed_at`, `id`)


-- Create index "reservation_cancelled_at_id" to table: "reservations"
CREATE INDEX `reservation_cancelled_at_id` ON `reservations` (`cancelled_at`, `id`)


