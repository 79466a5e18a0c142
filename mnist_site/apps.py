from django.contrib import admin
from django.contrib.admin.apps import AdminConfig


class StaffSiteConfig(AdminConfig):
    default_site = "mnist_site.staff_site.StaffSite"

    def ready(self) -> None:
        super().ready()
        # The import needs the loaded apps.
        from mnist_site import staff_users

        for model, model_admin in staff_users.ADMINS.items():
            admin.site.unregister(model)
            admin.site.register(model, model_admin)
